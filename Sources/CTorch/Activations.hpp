// The gates' functions, in a form that vectorises inside a kernel's loop.
#pragma once

#include <cmath>
#include <cstdint>

namespace apus {

/// exp(x) to about 2 ulp (range reduction by ln 2, degree 6), in a form that vectorises.
__attribute__((always_inline)) inline float exponential(float argument) {
    // What is not a number passes both comparisons, and shows in the result.
    float x = argument < -87.0f ? -87.0f : argument;
    x = x > 88.0f ? 88.0f : x;
    // Adding 1.5 · 2²³ rounds to a whole number, which is then in the lowest bits.
    const float shifted = x * 1.44269504088896341f + 12582912.0f;
    const float whole = shifted - 12582912.0f;
    const float r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    float p = 1.3888889e-3f;
    p = p * r + 8.3333333e-3f;
    p = p * r + 4.1666667e-2f;
    p = p * r + 1.6666667e-1f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    const uint32_t exponent = (__builtin_bit_cast(uint32_t, shifted) + 127u) << 23;
    return p * __builtin_bit_cast(float, exponent);
}

__attribute__((always_inline)) inline float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }
__attribute__((always_inline)) inline float hyperbolicTangent(float x) { return 2.0f * sigmoid(2.0f * x) - 1.0f; }

}  // namespace apus
