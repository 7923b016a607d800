// NCCL between CUDA devices, for builds over a libtorch that has it.
#include "Collectives.hpp"

#ifdef USE_C10D_NCCL

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

bool apus::hasDeviceCollectives() { return true; }

c10::intrusive_ptr<c10d::Backend> apus::deviceCollectives(c10::intrusive_ptr<c10d::Store> store, int32_t rank, int32_t size, std::chrono::milliseconds timeout) {
    // A collective that fails is to give its devices back and leave the words to us, not to end the process.
    setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "2", 0);
    const auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = timeout;
    return c10::make_intrusive<c10d::ProcessGroupNCCL>(c10::make_intrusive<c10d::PrefixStore>("nccl", store), rank, size, options);
}

#else

bool apus::hasDeviceCollectives() { return false; }

c10::intrusive_ptr<c10d::Backend> apus::deviceCollectives(c10::intrusive_ptr<c10d::Store>, int32_t, int32_t, std::chrono::milliseconds) { return {}; }

#endif
