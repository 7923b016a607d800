// Groups of processes on libtorch's c10d, for what computes with them.
#pragma once

#include <torch/csrc/distributed/c10d/Backend.hpp>

#include <chrono>
#include <mutex>
#include <string>

#include "Guard.hpp"

struct apus_group_s {
    c10::intrusive_ptr<c10d::Backend> backend;
    int32_t rank, size;
    std::chrono::milliseconds timeout;
    std::mutex lock;
    /// What went wrong inside of automatic differentiation; empty where nothing did.
    std::string failure;

    /// Runs `body`; what it throws is kept for who asks next.
    template <class Body>
    void noting(Body &&body) {
        const auto note = [&](const char *problem) {
            std::lock_guard<std::mutex> held(lock);
            if (failure.empty()) failure = problem;
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

namespace apus {

/// Waits so long for a collective: whether it is done. Throws what it failed with.
bool isDone(c10d::Work &work, std::chrono::milliseconds wait);

}  // namespace apus
