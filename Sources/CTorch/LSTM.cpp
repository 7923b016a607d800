// One LSTM layer with its own forward and backward pass (Hochreiter and Schmidhuber 1997 with the
// forget gate of Gers et al. 2000, in PyTorch's form):
//
//   i = sigmoid(W_ii x + b_ii + W_hi h + b_hi)     f, o likewise
//   g = tanh(W_ig x + b_ig + W_hg h + b_hg)
//   c' = f * c + i * g
//   h' = o * tanh(c')
//
// As for the GRU, a frame is one matrix product and one fused loop, the weights' gradient is a single
// product over all frames, and each thread takes some recordings through all frames.
#include <ATen/native/CPUBlas.h>
#include <torch/csrc/autograd/custom_function.h>

#include "Activations.hpp"
#include "Device.hpp"
#include "Product.hpp"

namespace {

using apus::hyperbolicTangent;
using apus::sigmoid;

/// One recording's frame: input part x and hidden part p (4H), cell c (H) -> new state and cell, gates (4H).
APUS_CLONES void stepForward(const float *__restrict x, const float *__restrict p, const float *__restrict c, float *__restrict next, float *__restrict cell, float *__restrict gates, int64_t H) {
    for (int64_t j = 0; j < H; ++j) {
        const float i = sigmoid(x[j] + p[j]);
        const float f = sigmoid(x[H + j] + p[H + j]);
        const float g = hyperbolicTangent(x[2 * H + j] + p[2 * H + j]);
        const float o = sigmoid(x[3 * H + j] + p[3 * H + j]);
        const float updated = f * c[j] + i * g;
        cell[j] = updated;
        next[j] = o * hyperbolicTangent(updated);
        gates[j] = i;
        gates[H + j] = f;
        gates[2 * H + j] = g;
        gates[3 * H + j] = o;
    }
}

/// `carriedState` and `carriedCell` (H) hold the gradients that came back through time; the cell's
/// leaves as that of the next earlier frame.
APUS_CLONES void stepBackward(const float *__restrict gradient, const float *__restrict gates, const float *__restrict before, const float *__restrict cell, const float *__restrict carriedState, float *__restrict carriedCell, float *__restrict dx, int64_t H) {
    for (int64_t j = 0; j < H; ++j) {
        const float i = gates[j], f = gates[H + j], g = gates[2 * H + j], o = gates[3 * H + j];
        const float squashed = hyperbolicTangent(cell[j]);
        const float d = gradient[j] + carriedState[j];
        const float dc = carriedCell[j] + d * o * (1.0f - squashed * squashed);
        dx[j] = dc * g * i * (1.0f - i);
        dx[H + j] = dc * before[j] * f * (1.0f - f);
        dx[2 * H + j] = dc * i * (1.0f - g * g);
        dx[3 * H + j] = d * squashed * o * (1.0f - o);
        carriedCell[j] = dc * f;
    }
}

/// From the input projections (T, B, 4H) to the states (T, B, H).
struct Recurrence : torch::autograd::Function<Recurrence> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &projected, const at::Tensor &weight, const at::Tensor &bias, const at::Tensor &carried) {
        const auto x = projected.contiguous();
        const int64_t T = x.size(0), B = x.size(1), H = weight.size(1);
        // Row t holds the state and the cell before frame t.
        auto states = at::empty({T + 1, B, H}, x.options());
        auto cells = at::empty({T + 1, B, H}, x.options());
        auto gates = at::empty({T, B, 4 * H}, x.options());
        if (carried.numel() > 0) {
            states[0].copy_(carried[0]);
            cells[0].copy_(carried[1]);
        } else {
            states[0].zero_();
            cells[0].zero_();
        }
        // Detached, as the pool's threads record gradients.
        const auto transposed = weight.detach().t().contiguous(), offset = bias.detach().contiguous();
        const float *xs = x.data_ptr<float>();
        float *hs = states.data_ptr<float>(), *cs = cells.data_ptr<float>(), *gs = gates.data_ptr<float>();
        apus::parallel(B, 1, [&](int64_t begin, int64_t end) {
            const int64_t rows = end - begin;
            auto hidden = at::empty({rows, 4 * H}, x.options());
            float *ps = hidden.data_ptr<float>();
            for (int64_t t = 0; t < T; ++t) {
                for (int64_t row = 0; row < rows; ++row) std::memcpy(ps + row * 4 * H, offset.data_ptr<float>(), static_cast<size_t>(4 * H) * sizeof(float));
                at::native::cpublas::brgemm(rows, 4 * H, H, H, 4 * H, 4 * H, true, hs + (t * B + begin) * H, transposed.data_ptr<float>(), ps, false);
                for (int64_t b = begin; b < end; ++b) {
                    const int64_t row = t * B + b;
                    stepForward(xs + row * 4 * H, ps + (b - begin) * 4 * H, cs + row * H, hs + (row + B) * H, cs + (row + B) * H, gs + row * 4 * H, H);
                }
            }
        });
        if (carried.numel() > 0) {
            carried[0].copy_(states[T]);
            carried[1].copy_(cells[T]);
        }
        context->save_for_backward({states, cells, gates, weight});
        return states.narrow(0, 1, T);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context, torch::autograd::variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const auto &states = saved[0], &cells = saved[1], &gates = saved[2];
        const auto weight = saved[3].detach().contiguous();
        const auto gradient = gradients[0].contiguous();
        const int64_t T = gates.size(0), B = gates.size(1), H = weight.size(1);
        auto carriedState = at::zeros({B, H}, gates.options());
        auto carriedCell = at::zeros({B, H}, gates.options());
        auto dx = at::empty({T, B, 4 * H}, gates.options());
        const float *ds = gradient.data_ptr<float>(), *gs = gates.data_ptr<float>(), *cs = cells.data_ptr<float>(), *css = carriedState.data_ptr<float>();
        float *ccs = carriedCell.data_ptr<float>(), *dxs = dx.data_ptr<float>();
        apus::parallel(B, 1, [&](int64_t begin, int64_t end) {
            for (int64_t t = T - 1; t >= 0; --t) {
                for (int64_t b = begin; b < end; ++b) {
                    const int64_t row = t * B + b;
                    stepBackward(ds + row * H, gs + row * 4 * H, cs + row * H, cs + (row + B) * H, css + b * H, ccs + b * H, dxs + row * 4 * H, H);
                }
                at::native::cpublas::brgemm(end - begin, H, 4 * H, 4 * H, H, H, false, dxs + (t * B + begin) * 4 * H, weight.data_ptr<float>(), carriedState.data_ptr<float>() + begin * H, false);
            }
        });
        const auto rows = dx.reshape({T * B, 4 * H});
        const auto before = states.narrow(0, 0, T).reshape({T * B, H});
        return {dx, at::mm(rows.t(), before), rows.sum(0), at::Tensor()};
    }
};

/// The layer by libtorch's own operation, where the kernel can't run.
at::Tensor composed(const at::Tensor &input, at::TensorList weights, const at::Tensor &carried) {
    const auto frames = input.to(at::kFloat);
    const auto before = carried.numel() > 0 ? carried : at::zeros({2, input.size(0), weights[1].size(1)}, frames.options());
    const auto [states, state, cell] = at::lstm(frames, {before.narrow(0, 0, 1), before.narrow(0, 1, 1)}, weights, true, 1, 0.0, c10::GradMode::is_enabled(), false, true);
    if (carried.numel() > 0) carried.copy_(at::cat({state, cell}));
    return states.to(at::kFloat);
}

}  // namespace

apus_status apus_lstm(apus_tensor input, apus_tensor weight_ih, apus_tensor weight_hh, apus_tensor bias_ih, apus_tensor bias_hh, apus_tensor state, apus_tensor *out) APUS_NOEXCEPT {
    return apus::made(out, [&] {
        const auto carried = state ? state->value : at::empty({0});
        if (!apus::hasKernels(input->value)) return composed(input->value, {weight_ih->value, weight_hh->value, bias_ih->value, bias_hh->value}, carried);
        const auto frames = input->value.transpose(0, 1).contiguous();  // (T, B, D)
        const auto projected = apus::linear(frames, weight_ih->value, bias_ih->value).to(at::kFloat);
        return Recurrence::apply(projected, weight_hh->value, bias_hh->value, carried).transpose(0, 1);
    });
}
