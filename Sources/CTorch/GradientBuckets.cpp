// Gradients added up over processes while the backward pass still runs (Li et al. 2020, PyTorch
// Distributed: Experiences on Accelerating Data Parallel Training, section 3.2).
//
// The parameters lie in buckets from the last to the first, about the order in which their gradients
// come. A bucket is sent once all of its gradients are there and the buckets before it are sent, so that
// all processes send them in the same order. Behind a bucket's gradients lies a one for each parameter
// that has a gradient here: a sum of zero says that no process has one, as where a part of the model had
// no part in the loss.
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include "Collectives.hpp"

namespace {

struct Bucket {
    std::vector<size_t> members;
    std::vector<int64_t> starts;
    /// The gradients, then the ones.
    at::Tensor numbers;
    int64_t length = 0;
    size_t missing = 0;
    c10::intrusive_ptr<c10d::Work> work;
};

}  // namespace

struct apus_buckets_s {
    apus_group group;
    std::vector<at::Tensor> parameters;
    /// Where the buckets lie.
    at::Device device = at::kCPU;
    std::vector<Bucket> buckets;
    /// The bucket of each parameter and its place there.
    std::vector<std::pair<size_t, size_t>> places;
    std::vector<char> taken;
    std::mutex lock;
    bool isArmed = false;
    size_t sent = 0;

    void add(size_t parameter, int64_t limit) {
        const int64_t count = parameters[parameter].numel();
        if (buckets.empty() || buckets.back().length + count > limit) buckets.emplace_back();
        auto &bucket = buckets.back();
        places[parameter] = {buckets.size() - 1, bucket.members.size()};
        bucket.members.push_back(parameter);
        bucket.starts.push_back(bucket.length);
        bucket.length += count;
    }

    void clear() {
        for (auto &bucket : buckets) {
            bucket.missing = bucket.members.size();
            bucket.work.reset();
        }
        std::fill(taken.begin(), taken.end(), 0);
        isArmed = false;
        sent = 0;
    }

    void take(size_t parameter) {
        if (taken[parameter]) return;
        taken[parameter] = 1;
        auto &bucket = buckets[places[parameter].first];
        const size_t place = places[parameter].second;
        const auto &gradient = parameters[parameter].grad();
        auto room = bucket.numbers.narrow(0, bucket.starts[place], parameters[parameter].numel());
        if (gradient.defined()) room.copy_(gradient.reshape({-1}));
        else room.zero_();
        bucket.numbers.narrow(0, bucket.length + static_cast<int64_t>(place), 1).fill_(gradient.defined() ? 1 : 0);
        --bucket.missing;
    }

    void send() {
        for (; sent < buckets.size() && buckets[sent].missing == 0; ++sent) {
            std::vector<at::Tensor> list{buckets[sent].numbers};
            c10d::AllreduceOptions options;
            options.timeout = group->timeout;
            group->noting([&] { buckets[sent].work = group->carrier(device).backend.allreduce(list, options); });
        }
    }

    /// Gives the parameters of a bucket the sums.
    void give(const Bucket &bucket) {
        const auto counts = bucket.numbers.narrow(0, bucket.length, static_cast<int64_t>(bucket.members.size())).to(at::kCPU, at::kFloat);
        for (size_t place = 0; place < bucket.members.size(); ++place) {
            if (counts.data_ptr<float>()[place] == 0) continue;
            auto &parameter = parameters[bucket.members[place]];
            const auto sum = bucket.numbers.narrow(0, bucket.starts[place], parameter.numel()).view(parameter.sizes());
            if (parameter.grad().defined()) parameter.mutable_grad().copy_(sum);
            else parameter.mutable_grad() = sum.to(parameter.options().requires_grad(false), false, true);
        }
    }
};

namespace {

struct Hook : torch::autograd::PostAccumulateGradHook {
    apus_buckets buckets;
    size_t parameter;

    Hook(apus_buckets buckets, size_t parameter) : buckets(buckets), parameter(parameter) {}

    void operator()(const torch::autograd::Variable &) override {
        std::lock_guard<std::mutex> held(buckets->lock);
        if (!buckets->isArmed) return;
        c10::NoGradGuard unrecorded;
        buckets->take(parameter);
        buckets->send();
    }
};

}  // namespace

apus_status apus_buckets_open(apus_group group, const apus_tensor *parameters, int32_t count, int64_t bytes, bool halves, apus_buckets *out) APUS_NOEXCEPT {
    return apus::guarded([&] {
        auto result = std::make_unique<apus_buckets_s>();
        result->group = group;
        for (int32_t i = 0; i < count; ++i) result->parameters.push_back(parameters[i]->value);
        result->places.resize(static_cast<size_t>(count));
        result->taken.resize(static_cast<size_t>(count));
        for (size_t i = static_cast<size_t>(count); i-- > 0;) result->add(i, bytes / (halves ? 2 : 4));
        if (count > 0) result->device = group->carrier(result->parameters[0].device()).device;
        const auto options = at::TensorOptions(result->device).dtype(halves ? at::kBFloat16 : at::kFloat);
        for (auto &bucket : result->buckets) bucket.numbers = at::zeros({bucket.length + static_cast<int64_t>(bucket.members.size())}, options);
        result->clear();
        for (size_t i = 0; i < result->parameters.size(); ++i) torch::autograd::impl::set_post_acc_grad_hooks(result->parameters[i], std::make_unique<Hook>(result.get(), i));
        *out = result.release();
    });
}

void apus_buckets_free(apus_buckets buckets) APUS_NOEXCEPT {
    for (const auto &parameter : buckets->parameters) torch::autograd::impl::set_post_acc_grad_hooks(parameter, nullptr);
    delete buckets;
}

void apus_buckets_arm(apus_buckets buckets) APUS_NOEXCEPT {
    std::lock_guard<std::mutex> held(buckets->lock);
    buckets->isArmed = true;
}

apus_status apus_buckets_flush(apus_buckets buckets) APUS_NOEXCEPT {
    return apus::guarded([&] {
        std::lock_guard<std::mutex> held(buckets->lock);
        c10::NoGradGuard unrecorded;
        for (size_t i = buckets->parameters.size(); i-- > 0;) buckets->take(i);
        buckets->send();
        buckets->isArmed = false;
    });
}

apus_status apus_buckets_wait(apus_buckets buckets, int64_t wait, bool *done) APUS_NOEXCEPT {
    return apus::guarded([&] {
        c10::NoGradGuard unrecorded;
        *done = false;
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait);
        for (auto &bucket : buckets->buckets) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
            // A bucket that couldn't be sent has left a failure in the group.
            if (!bucket.work || !apus::isDone(*bucket.work, std::max(left, std::chrono::milliseconds(1)), buckets->device)) return;
        }
        for (const auto &bucket : buckets->buckets) buckets->give(bucket);
        buckets->clear();
        *done = true;
    });
}
