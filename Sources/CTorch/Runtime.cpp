#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <dlfcn.h>
#include <malloc.h>
#include <torch/headeronly/version.h>

#include <atomic>
#include <exception>
#include <mutex>

#include "Device.hpp"

namespace {

using Parallel = void (*)(void (*)(void *), void *, unsigned, unsigned);
using ThreadNumber = int (*)();

/// The OpenMP runtime that libtorch itself has loaded: a second pool would fight it for the cores.
struct Pool {
    Parallel run = reinterpret_cast<Parallel>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
    ThreadNumber number = reinterpret_cast<ThreadNumber>(dlsym(RTLD_DEFAULT, "omp_get_thread_num"));
    ThreadNumber size = reinterpret_cast<ThreadNumber>(dlsym(RTLD_DEFAULT, "omp_get_num_threads"));
    bool usable() const { return run && number && size; }
};

const Pool &pool() {
    static const Pool shared;
    return shared;
}

struct Loop {
    int64_t count;
    const std::function<void(int64_t, int64_t)> *body;
    std::exception_ptr error;
    std::mutex lock;
};

void runPiece(void *context) {
    auto &loop = *static_cast<Loop *>(context);
    const int64_t threads = pool().size(), thread = pool().number();
    const int64_t piece = (loop.count + threads - 1) / threads;
    const int64_t begin = std::min(loop.count, thread * piece);
    const int64_t end = std::min(loop.count, begin + piece);
    if (begin >= end) return;
    try {
        (*loop.body)(begin, end);
    } catch (...) {
        std::lock_guard<std::mutex> held(loop.lock);
        if (!loop.error) loop.error = std::current_exception();
    }
}

}  // namespace

void apus::parallel(
    int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)> &body) {
    const int64_t wanted =
        std::min<int64_t>(at::get_num_threads(), grain > 0 ? (count + grain - 1) / grain : count);
    if (count <= 0) return;
    if (wanted <= 1 || at::in_parallel_region() || !pool().usable()) {
        body(0, count);
        return;
    }
    Loop loop{count, &body, nullptr, {}};
    pool().run(runPiece, &loop, static_cast<unsigned>(wanted), 0);
    if (loop.error) std::rethrow_exception(loop.error);
}

void apus_message_free(char *message) APUS_NOEXCEPT { free(message); }

void apus_tensor_free(apus_tensor tensor) APUS_NOEXCEPT { delete tensor; }

void apus_tune_allocator(void) APUS_NOEXCEPT {
    // Before glibc 2.35 a threshold above 32 MB was refused.
    if (!mallopt(M_MMAP_THRESHOLD, 1 << 30)) mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 2147483647);
    mallopt(M_TOP_PAD, 268435456);
}

apus_status apus_set_thread_count(int32_t count) APUS_NOEXCEPT {
    return apus::guarded([&] { at::set_num_threads(count); });
}

int32_t apus_thread_count(void) APUS_NOEXCEPT { return at::get_num_threads(); }

const char *apus_libtorch_version(void) APUS_NOEXCEPT { return TORCH_VERSION; }

int32_t apus_cuda_device_count(void) APUS_NOEXCEPT {
    try {
        return at::hasCUDA() ? static_cast<int32_t>(at::getNumGPUs()) : 0;
    } catch (...) {
        return 0;
    }
}

bool apus_set_gradients_recorded(bool recorded) APUS_NOEXCEPT {
    const bool before = c10::GradMode::is_enabled();
    c10::GradMode::set_enabled(recorded);
    return before;
}

bool apus_set_bfloat16_autocast(bool enabled) APUS_NOEXCEPT {
    const auto type = apus::device().is_cuda() ? at::kCUDA : at::kCPU;
    const bool before = at::autocast::is_autocast_enabled(type);
    at::autocast::set_autocast_enabled(type, enabled);
    at::autocast::set_autocast_dtype(type, at::kBFloat16);
    // libtorch's cache of cast weights is one for all threads, goes stale when the optimiser moves
    // a weight, and keeps what was cast without gradients; a weight is used once a pass anyway.
    at::autocast::set_autocast_cache_enabled(false);
    return before;
}
