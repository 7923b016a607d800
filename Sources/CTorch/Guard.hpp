// What stands between libtorch's exceptions and the C ABI, and the parallel loop of our kernels.
#pragma once

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>

#include "include/CTorch.h"

struct apus_tensor_s {
    at::Tensor value;
    /// The same numbers for products to read, where the value's maker has them: in the type that products
    /// have, and with a gradient of their own that the maker adds to the value's.
    at::Tensor forProducts = {};
    /// The weight of products as their kernels read it, where it has been one; see Linear.cpp.
    struct {
        at::Tensor value;
        /// That of `value` when it was packed: later numbers have another.
        uint32_t version = 0;
        int64_t uses = 0;
    } packed = {};
};

namespace apus {

inline char *message(const char *text) noexcept {
    char *copy = strdup(text);
    // Out of memory for the message itself: the caller must still learn that the call failed.
    return copy ? copy : static_cast<char *>(calloc(1, 1));
}

/// Runs `body`; turns whatever it throws into a message.
template <class Body>
apus_status guarded(Body &&body) noexcept {
    try {
        body();
        return nullptr;
    } catch (const c10::Error &error) {
        return message(error.what_without_backtrace());
    } catch (const std::bad_alloc &) {
        return message("out of memory");
    } catch (const std::exception &error) {
        return message(error.what());
    } catch (...) {
        return message("an exception of unknown type");
    }
}

/// As `guarded`, for a body that makes a tensor.
template <class Body>
apus_status made(apus_tensor *out, Body &&body) noexcept {
    return guarded([&] { *out = new apus_tensor_s{body()}; });
}

/// Calls `body(begin, end)` over pieces of 0..<count on libtorch's own thread pool.
void parallel(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)> &body);

/// SplitMix64's increment and factors.
constexpr uint64_t drawSteps[] = {0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB};

/// A hash of (seed, index) whose 64 bits are independent enough to draw from (SplitMix64).
__attribute__((always_inline)) inline uint64_t draw(uint64_t seed, uint64_t index) {
    uint64_t z = seed + (index + 1) * drawSteps[0];
    z = (z ^ (z >> 30)) * drawSteps[1];
    z = (z ^ (z >> 27)) * drawSteps[2];
    return z ^ (z >> 31);
}

}  // namespace apus

// Kernels are compiled for each of these and picked when the program starts.
#if defined(__x86_64__)
#define APUS_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define APUS_CLONES
#endif
