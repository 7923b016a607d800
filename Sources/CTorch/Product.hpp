// Products of 32-bit matrices by whichever of libtorch's two libraries is the faster.
#pragma once

#include "Guard.hpp"

namespace apus {

/// x Wᵀ + b for x (N, K) and W (M, K), outside of automatic differentiation.
at::Tensor product(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias = std::nullopt);

/// dyᵀ x for dy (N, M) and x (N, K) in 32 bits, outside of automatic differentiation.
at::Tensor weightGradient(const at::Tensor &gradient, const at::Tensor &input);

/// x Wᵀ + b over the last dimension, with its gradients.
at::Tensor linear(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias = std::nullopt);

}  // namespace apus
