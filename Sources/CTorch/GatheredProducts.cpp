// Inner products of each row's queries with frames that the row names by their numbers:
//
//   s[r, k, n] = q[r, k] . z[i[r, n]]
//
// Gathered into a tensor, the frames of a contrastive batch are hundreds of megabytes, and their
// gradient is summed back frame by frame. Here a thread gathers one row at a time into a buffer that
// stays in its cache, forwards and backwards.
#include <torch/csrc/autograd/custom_function.h>

#include <cstring>
#include <map>
#include <mutex>

#include "Device.hpp"

namespace {

/// Copies the frames that a row names into the buffer (N, D).
void gather(const float *frames, const int64_t *indices, float *buffer, int64_t N, int64_t D) {
    for (int64_t n = 0; n < N; ++n)
        std::memcpy(buffer + n * D, frames + indices[n] * D, static_cast<size_t>(D) * sizeof(float));
}

APUS_CLONES void addRow(const float *__restrict source, float *__restrict target, int64_t D) {
    for (int64_t d = 0; d < D; ++d) target[d] += source[d];
}

struct GatheredProducts : torch::autograd::Function<GatheredProducts> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &queries, const at::Tensor &frames, const at::Tensor &indices) {
        // Detached, as the pool's threads record gradients.
        const auto q = queries.detach().contiguous(), z = frames.detach().contiguous();
        const auto i = indices.contiguous();
        const int64_t R = q.size(0), K = q.size(1), D = q.size(2), N = i.size(1);
        auto products = at::empty({R, K, N}, q.options());
        const float *zs = z.data_ptr<float>();
        const int64_t *is = i.data_ptr<int64_t>();
        apus::parallel(R, 1, [&](int64_t begin, int64_t end) {
            auto buffer = at::empty({N, D}, q.options());
            const auto transposed = buffer.t();
            for (int64_t r = begin; r < end; ++r) {
                gather(zs, is + r * N, buffer.data_ptr<float>(), N, D);
                auto out = products[r];
                at::mm_out(out, q[r], transposed);
            }
        });
        context->save_for_backward({q, z, i});
        return products;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context, torch::autograd::variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const auto &q = saved[0], &z = saved[1], &i = saved[2];
        const auto gradient = gradients[0].contiguous();
        const int64_t R = q.size(0), D = q.size(2), N = i.size(1);
        auto dq = at::empty_like(q);
        const float *zs = z.data_ptr<float>();
        const int64_t *is = i.data_ptr<int64_t>();
        // Each piece has a sum of its own; they are added in order, so that the bits don't depend on
        // which thread was first.
        std::map<int64_t, at::Tensor> pieces;
        std::mutex lock;
        apus::parallel(R, 1, [&](int64_t begin, int64_t end) {
            auto own = at::zeros_like(z);
            auto buffer = at::empty({N, D}, q.options());
            float *bs = buffer.data_ptr<float>(), *os = own.data_ptr<float>();
            for (int64_t r = begin; r < end; ++r) {
                const auto ds = gradient[r];
                gather(zs, is + r * N, bs, N, D);
                auto out = dq[r];
                at::mm_out(out, ds, buffer);
                at::mm_out(buffer, ds.t(), q[r]);
                for (int64_t n = 0; n < N; ++n) addRow(bs + n * D, os + is[r * N + n] * D, D);
            }
            std::lock_guard<std::mutex> held(lock);
            pieces.emplace(begin, own);
        });
        at::Tensor dz;
        for (auto &[begin, piece] : pieces) dz = dz.defined() ? dz.add_(piece) : piece;
        return {dq, dz.defined() ? dz : at::zeros_like(z), at::Tensor()};
    }
};

}  // namespace

apus_status apus_gathered_products(apus_tensor queries, apus_tensor frames, apus_tensor indices, apus_tensor *out) APUS_NOEXCEPT {
    return apus::made(out, [&] {
        const auto q = queries->value.to(at::kFloat), z = frames->value.to(at::kFloat);
        const auto &i = indices->value;
        TORCH_CHECK(q.dim() == 3 && z.dim() == 2 && i.dim() == 2 && q.size(0) == i.size(0) && q.size(2) == z.size(1), "queries ", q.sizes(), " and indices ", i.sizes(), " don't fit frames ", z.sizes());
        if (!apus::hasKernels(q)) {
            const apus::TypesKept kept;
            const auto gathered = z.index_select(0, i.reshape({-1})).view({i.size(0), i.size(1), z.size(1)});
            return at::matmul(q, gathered.transpose(1, 2));
        }
        TORCH_CHECK(i.numel() == 0 || (i.min().item<int64_t>() >= 0 && i.max().item<int64_t>() < z.size(0)), "an index is none of the ", z.size(0), " frames");
        return GatheredProducts::apply(q, z, i);
    });
}
