// Where tensors live, and what the compositions of libtorch's operations share that stand in for our
// kernels where these can't run.
#pragma once

#include <c10/core/impl/LocalDispatchKeySet.h>

#include "Elements.hpp"

namespace apus {

/// Where new tensors live.
at::Device device();

/// The same tensor where new tensors live.
at::Tensor onDevice(const at::Tensor &tensor);

/// Whether our kernels may read the tensor's memory: it is the processor's, and they aren't turned off.
bool hasKernels(const at::Tensor &tensor);

/// Keeps autocast out of a composition: its types are the kernel's.
struct TypesKept {
    c10::impl::ExcludeDispatchKeyGuard guard{c10::autocast_dispatch_keyset};
};

/// What dropout multiplies elements of these sizes by, in 32 bits: the kernels' draws, made by
/// operations that every device has.
at::Tensor factors(at::IntArrayRef sizes, const Dropping &dropping, at::Device device);

/// Dropout in 32 bits of a tensor of any type.
at::Tensor dropped(const at::Tensor &input, const Draw &draw);

}  // namespace apus
