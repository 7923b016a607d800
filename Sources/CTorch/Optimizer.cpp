// Gradient clipping and the fused AdamW step.
#include <cmath>

#include "Guard.hpp"

apus_status apus_clip_gradients(const apus_tensor *parameters, int32_t count, double maximum, double *norm) APUS_NOEXCEPT {
    return apus::guarded([&] {
        c10::NoGradGuard unrecorded;
        std::vector<at::Tensor> gradients;
        for (int32_t i = 0; i < count; ++i)
            if (parameters[i]->value.grad().defined()) gradients.push_back(parameters[i]->value.grad());
        *norm = 0;
        if (gradients.empty()) return;
        double squares = 0;
        for (const auto &each : at::_foreach_norm(gradients, 2)) {
            const double length = each.item<double>();
            squares += length * length;
        }
        *norm = std::sqrt(squares);
        // As torch.nn.utils.clip_grad_norm_ does it.
        const double scale = maximum / (*norm + 1e-6);
        if (scale < 1) at::_foreach_mul_(gradients, scale);
    });
}

apus_status apus_adamw(const apus_tensor *parameters, const apus_tensor *first_moments, const apus_tensor *second_moments, int32_t count, int64_t step, double rate, double beta1, double beta2, double epsilon, double weight_decay) APUS_NOEXCEPT {
    return apus::guarded([&] {
        c10::NoGradGuard unrecorded;
        std::vector<at::Tensor> weights, gradients, firsts, seconds, steps;
        for (int32_t i = 0; i < count; ++i) {
            const auto &gradient = parameters[i]->value.grad();
            if (!gradient.defined()) continue;
            weights.push_back(parameters[i]->value);
            gradients.push_back(gradient);
            firsts.push_back(first_moments[i]->value);
            seconds.push_back(second_moments[i]->value);
            steps.push_back(at::full({}, static_cast<double>(step), at::kFloat));
        }
        if (weights.empty()) return;
        at::_fused_adamw_(weights, gradients, firsts, seconds, {}, steps, rate, beta1, beta2, weight_decay, epsilon, false, false);
    });
}
