// The gates' functions, in a form that vectorises inside a kernel's loop.
#pragma once

#include <cmath>
#include <cstdint>

namespace apus {

/// exp(x) to about 2 ulp (range reduction by ln 2, degree 6), in a form that vectorises.
__attribute__((always_inline)) inline float exponential(float argument) {
    const float x = std::fmin(std::fmax(argument, -87.0f), 88.0f);
    const float rounded = std::nearbyint(x * 1.44269504088896341f);
    const float r = (x - rounded * 0.693359375f) + rounded * 2.12194440e-4f;
    float p = 1.3888889e-3f;
    p = p * r + 8.3333333e-3f;
    p = p * r + 4.1666667e-2f;
    p = p * r + 1.6666667e-1f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    union { int32_t bits; float value; } power;
    power.bits = (static_cast<int32_t>(rounded) + 127) << 23;
    // The bounds above swallow what is not a number; a run that diverges must show it.
    return argument != argument ? argument : p * power.value;
}

__attribute__((always_inline)) inline float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }
__attribute__((always_inline)) inline float hyperbolicTangent(float x) { return 2.0f * sigmoid(2.0f * x) - 1.0f; }

}  // namespace apus
