// What processes that train together exchange: libtorch's c10d, with Gloo between processors and NCCL
// between CUDA devices.
//
// A collective runs on Gloo's own threads. Who waits does so in short pieces, so that a process that is
// gone is found out by other means than the collective's time running out.
#include "Collectives.hpp"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <thread>

#include "Device.hpp"

struct apus_store_s {
    c10::intrusive_ptr<c10d::Store> value;
};

struct apus_work_s {
    c10::intrusive_ptr<c10d::Work> work;
    at::Tensor result;
};

namespace {

using std::chrono::milliseconds;

std::vector<uint8_t> bytes(const char *text) { return {text, text + strlen(text)}; }

/// Where Gloo listens: the interface that GLOO_SOCKET_IFNAME names, as for PyTorch, else an address.
std::shared_ptr<gloo::transport::Device> device(const char *address) {
    const char *named = getenv("GLOO_SOCKET_IFNAME");
    if (named && *named) {
        const std::string all = named;
        return c10d::ProcessGroupGloo::createDeviceForInterface(all.substr(0, all.find(',')));
    }
    return c10d::ProcessGroupGloo::createDeviceForHostname(address);
}

milliseconds patience(apus_group group, bool patient) { return patient ? milliseconds(std::chrono::hours(24 * 30)) : group->timeout; }

/// The rows of all processes. Each has a loss of its own, and what is wanted is the gradient of their sum:
/// the sum over all processes of what each has for the rows here.
struct GatheredRows : torch::autograd::Function<GatheredRows> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &input, int64_t address) {
        auto *group = reinterpret_cast<apus_group>(address);
        context->saved_data["group"] = address;
        const auto own = input.contiguous();
        auto sizes = own.sizes().vec();
        sizes[0] *= group->size;
        at::Tensor out;
        group->noting([&] {
            const auto carrier = group->carrier(own.device());
            const auto all = at::empty(sizes, own.options().device(carrier.device));
            const auto sent = own.to(carrier.device);
            auto in = sent.view({-1}).view(at::kByte), room = all.view({-1}).view(at::kByte);
            c10d::AllgatherOptions options;
            options.timeout = group->timeout;
            apus::finish(*carrier.backend._allgather_base(room, in, options), group->timeout, carrier.device);
            out = all;
        });
        return out.defined() ? out.to(own.device()) : at::zeros(sizes, own.options());
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context, torch::autograd::variable_list gradients) {
        auto *group = reinterpret_cast<apus_group>(context->saved_data["group"].toInt());
        auto sum = gradients[0].to(at::kFloat, false, true).contiguous();
        group->noting([&] {
            const auto carrier = group->carrier(sum.device());
            std::vector<at::Tensor> list{sum.to(carrier.device)};
            c10d::AllreduceOptions options;
            options.timeout = group->timeout;
            apus::finish(*carrier.backend.allreduce(list, options), group->timeout, carrier.device);
            sum = list[0];
        });
        const int64_t rows = sum.size(0) / group->size;
        return {sum.narrow(0, group->rank * rows, rows).to(gradients[0].options()), at::Tensor()};
    }
};

}  // namespace

bool apus::isDone(c10d::Work &work, milliseconds wait, at::Device device) {
    if (!device.is_cpu()) {
        // NCCL's own wait takes the end of its time for a failure.
        for (const auto end = std::chrono::steady_clock::now() + wait; !work.isCompleted();) {
            if (std::chrono::steady_clock::now() > end) return false;
            std::this_thread::sleep_for(std::chrono::microseconds(50));
        }
        if (const auto failure = work.exception()) std::rethrow_exception(failure);
        work.synchronize();
        return true;
    }
    try {
        work.wait(wait);
        return true;
    } catch (...) {
        // Time that ran out is no failure of the work.
        if (!work.isCompleted()) return false;
    }
    // It failed, or has ended since the time ran out: another wait returns at once and says which.
    work.wait(wait);
    return true;
}

void apus::finish(c10d::Work &work, milliseconds timeout, at::Device device) {
    TORCH_CHECK(isDone(work, timeout, device), "an exchange has taken more than ", timeout.count(), " ms");
}

const char *apus_backends(void) APUS_NOEXCEPT { return apus::hasDeviceCollectives() ? "gloo nccl" : "gloo"; }

apus_status apus_store_open(const char *host, int32_t port, bool serves, const char *prefix, int64_t timeout, apus_store *out) APUS_NOEXCEPT {
    return apus::guarded([&] {
        c10d::TCPStoreOptions options;
        options.port = static_cast<uint16_t>(port);
        options.isServer = serves;
        options.waitWorkers = false;
        options.timeout = milliseconds(timeout);
        c10::intrusive_ptr<c10d::Store> store = c10::make_intrusive<c10d::TCPStore>(host, options);
        if (*prefix) store = c10::make_intrusive<c10d::PrefixStore>(prefix, store);
        *out = new apus_store_s{store};
    });
}

void apus_store_free(apus_store store) APUS_NOEXCEPT { delete store; }

apus_status apus_store_set(apus_store store, const char *key, const char *value) APUS_NOEXCEPT {
    return apus::guarded([&] { store->value->set(key, bytes(value)); });
}

apus_status apus_store_set_first(apus_store store, const char *key, const char *value) APUS_NOEXCEPT {
    return apus::guarded([&] { store->value->compareSet(key, {}, bytes(value)); });
}

apus_status apus_store_get(apus_store store, const char *key, char **out) APUS_NOEXCEPT {
    *out = nullptr;
    return apus::guarded([&] {
        if (!store->value->check({key})) return;
        const auto value = store->value->get(key);
        *out = apus::message(std::string(value.begin(), value.end()).c_str());
    });
}

apus_status apus_store_get_all(apus_store store, const char *const *keys, int32_t count, char **out) APUS_NOEXCEPT {
    *out = nullptr;
    return apus::guarded([&] {
        std::string all;
        for (const auto &value : store->value->multiGet(std::vector<std::string>(keys, keys + count))) all += std::string(value.begin(), value.end()) + "\n";
        *out = apus::message(all.c_str());
    });
}

apus_status apus_group_open(apus_store store, const char *name, const char *address, int32_t rank, int32_t size, int64_t joining, int64_t timeout, apus_group *out) APUS_NOEXCEPT {
    return apus::guarded([&] {
        auto options = c10d::ProcessGroupGloo::Options::create(milliseconds(joining));
        options->devices.push_back(device(address));
        const auto own = c10::make_intrusive<c10d::PrefixStore>(name, store->value);
        const auto backend = c10::make_intrusive<c10d::ProcessGroupGloo>(own, rank, size, options);
        *out = new apus_group_s{backend, rank, size, milliseconds(timeout), own};
    });
}

void apus_group_free(apus_group group) APUS_NOEXCEPT {
    // NCCL warns of groups that are only destroyed.
    if (group->devices) group->noting([&] { group->devices->shutdown(); });
    delete group;
}

char *apus_group_failure(apus_group group) APUS_NOEXCEPT {
    std::lock_guard<std::mutex> held(group->lock);
    return group->failure.empty() ? nullptr : apus::message(group->failure.c_str());
}

apus_status apus_sum_start(apus_group group, const double *values, int64_t count, bool patient, apus_work *out) APUS_NOEXCEPT {
    return apus::guarded([&] {
        auto sum = at::empty({count}, at::kDouble);
        memcpy(sum.data_ptr<double>(), values, static_cast<size_t>(count) * sizeof(double));
        std::vector<at::Tensor> list{sum};
        c10d::AllreduceOptions options;
        options.timeout = patience(group, patient);
        *out = new apus_work_s{group->backend->allreduce(list, options), sum};
    });
}

apus_status apus_broadcast_start(apus_group group, const uint8_t *bytes, int64_t count, int32_t root, bool patient, apus_work *out) APUS_NOEXCEPT {
    return apus::guarded([&] {
        auto all = at::zeros({count}, at::kByte);
        if (group->rank == root) memcpy(all.data_ptr<uint8_t>(), bytes, static_cast<size_t>(count));
        std::vector<at::Tensor> list{all};
        c10d::BroadcastOptions options;
        options.rootRank = root;
        options.timeout = patience(group, patient);
        *out = new apus_work_s{group->backend->broadcast(list, options), all};
    });
}

apus_status apus_gather_start(apus_group group, const uint8_t *bytes, int64_t count, bool patient, apus_work *out) APUS_NOEXCEPT {
    return apus::guarded([&] {
        auto own = at::empty({count}, at::kByte), all = at::empty({count * group->size}, at::kByte);
        memcpy(own.data_ptr<uint8_t>(), bytes, static_cast<size_t>(count));
        c10d::AllgatherOptions options;
        options.timeout = patience(group, patient);
        *out = new apus_work_s{group->backend->_allgather_base(all, own, options), all};
    });
}

apus_status apus_work_wait(apus_work work, int64_t wait, bool *done) APUS_NOEXCEPT {
    return apus::guarded([&] { *done = apus::isDone(*work->work, milliseconds(wait)); });
}

void apus_work_result(apus_work work, void *out) APUS_NOEXCEPT { memcpy(out, work->result.data_ptr(), work->result.nbytes()); }

void apus_work_free(apus_work work) APUS_NOEXCEPT { delete work; }

apus_status apus_gather_rows(apus_group group, apus_tensor rows, apus_tensor *out) APUS_NOEXCEPT {
    return apus::made(out, [&] { return GatheredRows::apply(rows->value, reinterpret_cast<int64_t>(group)); });
}
