// One GRU layer with its own forward and backward pass (Cho et al. 2014, in PyTorch's form):
//
//   r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)
//   z = sigmoid(W_iz x + b_iz + W_hz h + b_hz)
//   n = tanh(W_in x + b_in + r * (W_hn h + b_hn))
//   h' = (1 - z) * n + z * h
//
// libtorch's CPU GRU records some ten small operations a frame; here a frame is one matrix product
// and one fused loop, and the weights' gradient is a single product over all frames. Recordings do
// not depend on each other: each thread takes some of them through all frames, without a barrier.
#include <ATen/native/CPUBlas.h>
#include <torch/csrc/autograd/custom_function.h>

#include "Activations.hpp"
#include "Device.hpp"
#include "Product.hpp"

namespace {

using apus::hyperbolicTangent;
using apus::sigmoid;

/// One recording's frame: input part x (3H), hidden part p (3H), state h (H) -> new state, gates (4H).
APUS_CLONES void stepForward(const float *__restrict x, const float *__restrict p, const float *__restrict h, float *__restrict next, float *__restrict gates, int64_t H) {
    for (int64_t j = 0; j < H; ++j) {
        const float r = sigmoid(x[j] + p[j]);
        const float z = sigmoid(x[H + j] + p[H + j]);
        const float n = hyperbolicTangent(x[2 * H + j] + r * p[2 * H + j]);
        next[j] = (1.0f - z) * n + z * h[j];
        gates[j] = r;
        gates[H + j] = z;
        gates[2 * H + j] = n;
        gates[3 * H + j] = p[2 * H + j];
    }
}

/// `carried` (H) holds the gradient that came back through time and leaves as the direct part of
/// the next earlier frame's.
APUS_CLONES void stepBackward(const float *__restrict gradient, const float *__restrict gates, const float *__restrict h, float *__restrict carried, float *__restrict dx, float *__restrict dp, int64_t H) {
    for (int64_t j = 0; j < H; ++j) {
        const float r = gates[j], z = gates[H + j], n = gates[2 * H + j], hidden = gates[3 * H + j];
        const float d = gradient[j] + carried[j];
        const float dn = d * (1.0f - z) * (1.0f - n * n);
        const float dz = d * (h[j] - n) * z * (1.0f - z);
        const float dr = dn * hidden * r * (1.0f - r);
        dx[j] = dr;
        dx[H + j] = dz;
        dx[2 * H + j] = dn;
        dp[j] = dr;
        dp[H + j] = dz;
        dp[2 * H + j] = dn * r;
        carried[j] = d * z;
    }
}

/// From the input projections (T, B, 3H) to the states (T, B, H).
struct Recurrence : torch::autograd::Function<Recurrence> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &projected, const at::Tensor &weight, const at::Tensor &bias, const at::Tensor &carried) {
        const auto x = projected.contiguous();
        const int64_t T = x.size(0), B = x.size(1), H = weight.size(1);
        // Row t holds the state before frame t.
        auto states = at::empty({T + 1, B, H}, x.options());
        auto gates = at::empty({T, B, 4 * H}, x.options());
        if (carried.numel() > 0) states[0].copy_(carried[0]);
        else states[0].zero_();
        // Detached, as the pool's threads record gradients.
        const auto transposed = weight.detach().t().contiguous(), offset = bias.detach().contiguous();
        const float *xs = x.data_ptr<float>();
        float *hs = states.data_ptr<float>(), *gs = gates.data_ptr<float>();
        apus::parallel(B, 1, [&](int64_t begin, int64_t end) {
            const int64_t rows = end - begin;
            auto hidden = at::empty({rows, 3 * H}, x.options());
            float *ps = hidden.data_ptr<float>();
            for (int64_t t = 0; t < T; ++t) {
                for (int64_t row = 0; row < rows; ++row) std::memcpy(ps + row * 3 * H, offset.data_ptr<float>(), static_cast<size_t>(3 * H) * sizeof(float));
                at::native::cpublas::brgemm(rows, 3 * H, H, H, 3 * H, 3 * H, true, hs + (t * B + begin) * H, transposed.data_ptr<float>(), ps, false);
                for (int64_t b = begin; b < end; ++b) {
                    const int64_t row = t * B + b;
                    stepForward(xs + row * 3 * H, ps + (b - begin) * 3 * H, hs + row * H, hs + (row + B) * H, gs + row * 4 * H, H);
                }
            }
        });
        if (carried.numel() > 0) carried[0].copy_(states[T]);
        context->save_for_backward({states, gates, weight});
        return states.narrow(0, 1, T);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context, torch::autograd::variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const auto &states = saved[0], &gates = saved[1];
        const auto weight = saved[2].detach().contiguous();
        const auto gradient = gradients[0].contiguous();
        const int64_t T = gates.size(0), B = gates.size(1), H = weight.size(1);
        auto carried = at::zeros({B, H}, gates.options());
        auto dx = at::empty({T, B, 3 * H}, gates.options());
        auto dp = at::empty({T, B, 3 * H}, gates.options());
        const float *ds = gradient.data_ptr<float>(), *gs = gates.data_ptr<float>(), *hs = states.data_ptr<float>();
        float *cs = carried.data_ptr<float>(), *dxs = dx.data_ptr<float>(), *dps = dp.data_ptr<float>();
        apus::parallel(B, 1, [&](int64_t begin, int64_t end) {
            for (int64_t t = T - 1; t >= 0; --t) {
                for (int64_t b = begin; b < end; ++b) {
                    const int64_t row = t * B + b;
                    stepBackward(ds + row * H, gs + row * 4 * H, hs + row * H, cs + b * H, dxs + row * 3 * H, dps + row * 3 * H, H);
                }
                at::native::cpublas::brgemm(end - begin, H, 3 * H, 3 * H, H, H, true, dps + (t * B + begin) * 3 * H, weight.data_ptr<float>(), cs + begin * H, false);
            }
        });
        const auto rows = dp.reshape({T * B, 3 * H});
        const auto before = states.narrow(0, 0, T).reshape({T * B, H});
        return {dx, at::mm(rows.t(), before), rows.sum(0), at::Tensor()};
    }
};

/// The layer by libtorch's own operation, where the kernel can't run.
at::Tensor composed(const at::Tensor &input, at::TensorList weights, const at::Tensor &carried) {
    const auto frames = input.to(at::kFloat);
    const auto before = carried.numel() > 0 ? carried : at::zeros({1, input.size(0), weights[1].size(1)}, frames.options());
    const auto [states, after] = at::gru(frames, before, weights, true, 1, 0.0, c10::GradMode::is_enabled(), false, true);
    if (carried.numel() > 0) carried.copy_(after);
    return states.to(at::kFloat);
}

}  // namespace

apus_status apus_gru(apus_tensor input, apus_tensor weight_ih, apus_tensor weight_hh, apus_tensor bias_ih, apus_tensor bias_hh, apus_tensor state, apus_tensor *out) APUS_NOEXCEPT {
    return apus::made(out, [&] {
        const auto carried = state ? state->value : at::empty({0});
        if (!apus::hasKernels(input->value)) return composed(input->value, {weight_ih->value, weight_hh->value, bias_ih->value, bias_hh->value}, carried);
        const auto frames = input->value.transpose(0, 1).contiguous();  // (T, B, D)
        const auto projected = apus::linear(frames, weight_ih->value, bias_ih->value).to(at::kFloat);
        return Recurrence::apply(projected, weight_hh->value, bias_hh->value, carried).transpose(0, 1);
    });
}
