#include "Device.hpp"

#include <ATen/Context.h>

#include <atomic>

namespace {

std::atomic<int32_t> chosen{APUS_CPU};
thread_local bool kernelsAreUsed = true;

/// In place: z ^ (z >> bits) as of an unsigned number.
void mix(at::Tensor &z, int64_t bits) {
    // A shift to the right repeats the sign, which the mask takes out.
    const auto mask = static_cast<int64_t>(~uint64_t{0} >> bits);
    z.bitwise_xor_(at::bitwise_right_shift(z, bits).bitwise_and_(mask));
}

}  // namespace

at::Device apus::device() {
    const int32_t index = chosen.load();
    if (index == APUS_CPU) return at::kCPU;
    return index == APUS_META ? at::Device(at::kMeta) : at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
}

at::Tensor apus::onDevice(const at::Tensor &tensor) { return tensor.to(device()); }

bool apus::hasKernels(const at::Tensor &tensor) { return kernelsAreUsed && tensor.is_cpu(); }

at::Tensor apus::factors(at::IntArrayRef sizes, const Dropping &dropping, at::Device device) {
    // Products of 64-bit integers wrap around on every device, as in `draw`.
    const int64_t count = c10::multiply_integers(sizes);
    const auto integers = at::TensorOptions(device).dtype(at::kLong);
    // Two elements share a hash: with rows of a whole batch, each element's is computed.
    at::Tensor numbers;
    if (dropping.rows) {
        const auto rows = at::tensor(at::IntArrayRef(dropping.rows, dropping.rowCount), at::kLong).to(device);
        numbers = (rows.mul(dropping.rowSize).unsqueeze(1) + at::arange(dropping.rowSize, integers)).reshape({-1});
    }
    auto z = numbers.defined() ? at::bitwise_right_shift(numbers, 1) : at::arange((count + 1) / 2, integers);
    z.add_(1).mul_(static_cast<int64_t>(drawSteps[0])).add_(static_cast<int64_t>(dropping.seed));
    mix(z, 30);
    z.mul_(static_cast<int64_t>(drawSteps[1]));
    mix(z, 27);
    z.mul_(static_cast<int64_t>(drawSteps[2]));
    mix(z, 31);
    const auto half = [&](int64_t shift) { return at::bitwise_right_shift(z, shift).bitwise_and_(int64_t{0xFFFFFFFF}); };
    const auto draws = numbers.defined() ? at::where(numbers.bitwise_and(int64_t{1}).to(at::kBool), half(32), half(0)) : at::stack({half(0), half(32)}, 1).reshape({-1}).narrow(0, 0, count);
    return at::ge(draws, static_cast<int64_t>(dropping.threshold)).to(at::kFloat).mul_(dropping.scale).view(sizes);
}

at::Tensor apus::dropped(const at::Tensor &input, const Draw &draw) {
    const auto x = input.to(at::kFloat);
    const Dropping dropping(draw, x.numel());
    return dropping.threshold ? x * factors(x.sizes(), dropping, x.device()) : x;
}

apus_status apus_set_device(int32_t device) APUS_NOEXCEPT {
    return apus::guarded([&] {
        if (device >= 0) {
            TORCH_CHECK(device < apus_cuda_device_count(), "there is no CUDA device ", device);
            // libtorch's convolutions would round 32-bit floats to 19 bits.
            at::globalContext().setAllowTF32CuDNN(false);
        }
        chosen.store(device);
    });
}

int32_t apus_device(void) APUS_NOEXCEPT { return chosen.load(); }

bool apus_set_kernels_used(bool used) APUS_NOEXCEPT {
    const bool before = kernelsAreUsed;
    kernelsAreUsed = used;
    return before;
}
