#pragma once

/// Marks what the shared library offers; everything else in it is hidden.
#define PIXMILL_API __attribute__((visibility("default")))
