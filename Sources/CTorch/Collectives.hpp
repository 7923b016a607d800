// Groups of processes on libtorch's c10d, for what computes with them.
#pragma once

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>
#include <mutex>
#include <string>

#include "Guard.hpp"

namespace apus {

/// What carries an exchange, and where its tensors lie for it.
struct Carrier {
    c10d::Backend &backend;
    at::Device device;
};

/// Waits so long for a collective of tensors of a device: whether it is done. Throws what it failed with.
bool isDone(c10d::Work &work, std::chrono::milliseconds wait, at::Device device = at::kCPU);
/// Waits for a collective of tensors of a device. Throws what it failed with, also that it takes too long.
void finish(c10d::Work &work, std::chrono::milliseconds timeout, at::Device device);

/// NCCL between CUDA devices; none where this build is without it.
c10::intrusive_ptr<c10d::Backend> deviceCollectives(c10::intrusive_ptr<c10d::Store> store, int32_t rank, int32_t size, std::chrono::milliseconds timeout);

/// Whether this build has NCCL.
bool hasDeviceCollectives();

}  // namespace apus

struct apus_group_s {
    /// Gloo, between processors.
    c10::intrusive_ptr<c10d::Backend> backend;
    int32_t rank, size;
    std::chrono::milliseconds timeout;
    c10::intrusive_ptr<c10d::Store> store;
    std::mutex lock;
    /// What went wrong inside of automatic differentiation; empty where nothing did.
    std::string failure;
    /// NCCL, once tensors of a CUDA device are exchanged.
    c10::intrusive_ptr<c10d::Backend> devices;
    std::once_flag devicesAreOpen;

    /// What carries tensors of a device: NCCL between CUDA devices, else Gloo by way of the processor's
    /// memory.
    apus::Carrier carrier(at::Device device) {
        if (device.is_cuda()) std::call_once(devicesAreOpen, [&] { devices = apus::deviceCollectives(store, rank, size, timeout); });
        return device.is_cuda() && devices ? apus::Carrier{*devices, device} : apus::Carrier{*backend, at::kCPU};
    }

    /// Runs `body`; what it throws is kept for who asks next.
    template <class Body>
    void noting(Body &&body) {
        const auto note = [&](const char *problem) {
            std::lock_guard<std::mutex> held(lock);
            if (failure.empty()) failure = problem;
            // Whatever a device has been given to do after it would wait for it.
            if (devices) devices->abort();
        };
        try {
            body();
        } catch (const c10::Error &error) {
            note(error.what_without_backtrace());
        } catch (const std::exception &error) {
            note(error.what());
        }
    }
};
