#pragma once

namespace pixmill::bench {

/// bench/peers/pool_cv2.py, as it is: the program takes it along.
extern const char* const kPoolCv2;

}  // namespace pixmill::bench
