// A library like many others.
extern "C" int answer() { return 42; }
