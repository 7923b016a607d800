// y = x Wᵀ + b with its gradients.
//
// libtorch multiplies 32-bit matrices with MKL, whose kernels on AMD's processors are AVX2's; oneDNN,
// which is in libtorch too, has AVX-512 kernels for the same product.
#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/custom_function.h>

#include <mutex>

#include "Device.hpp"
#include "Product.hpp"

namespace {

using Product = at::Tensor(const at::Tensor &, const at::Tensor &, const std::optional<at::Tensor> &, std::string_view, c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);

/// oneDNN's product, where libtorch has it.
const std::optional<c10::TypedOperatorHandle<Product>> &oneDNN() {
    static const auto found = []() -> std::optional<c10::TypedOperatorHandle<Product>> {
        const auto schema = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
        if (!schema || !schema->hasKernelForDispatchKey(c10::DispatchKey::CPU)) return std::nullopt;
        return schema->typed<Product>();
    }();
    return found;
}

/// What the processor's products have on this thread.
at::ScalarType productType() {
    return at::autocast::is_autocast_enabled(at::kCPU) ? at::autocast::get_autocast_dtype(at::kCPU) : at::kFloat;
}

/// The weight in the order in which oneDNN's kernels read it and in the products' type: without gradients,
/// a model's parameter at once and what is made on the way at its second use. None while gradients are
/// recorded, as training changes its weights at each step.
std::optional<at::Tensor> packed(apus_tensor weight) {
    using Reorder = at::Tensor(const at::Tensor &, std::optional<c10::SymInt>);
    static const auto reorder = []() -> std::optional<c10::TypedOperatorHandle<Reorder>> {
        const auto schema = c10::Dispatcher::singleton().findSchema({"mkldnn::_reorder_linear_weight", ""});
        if (!schema || !schema->hasKernelForDispatchKey(c10::DispatchKey::CPU)) return std::nullopt;
        return schema->typed<Reorder>();
    }();
    if (!reorder || !oneDNN() || c10::GradMode::is_enabled() || weight->value.numel() == 0) return std::nullopt;
    // Models are used by several threads.
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    auto &own = weight->packed;
    const auto version = weight->value.unsafeGetTensorImpl()->version_counter().current_version();
    if (own.version != version) own = {{}, version, 0};
    if (++own.uses < 2 && !weight->value.requires_grad()) return std::nullopt;
    if (!own.value.defined() || own.value.scalar_type() != productType()) own.value = reorder->call(weight->value.detach().to(productType()).contiguous(), std::nullopt);
    return own.value;
}

/// x Wᵀ + b by oneDNN, outside of automatic differentiation.
at::Tensor multiplied(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias) {
    static const c10::List<std::optional<at::Scalar>> none;
    at::AutoDispatchBelowADInplaceOrView unrecorded;
    return oneDNN()->call(x, weight, bias, "none", none, "");
}

struct Linear : torch::autograd::Function<Linear> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &input, const at::Tensor &weight, const at::Tensor &bias) {
        const auto x = input.reshape({-1, input.size(-1)});
        // In the type of x, in which it multiplies.
        const auto factor = weight.to(x.scalar_type());
        context->save_for_backward({x, factor});
        auto sizes = input.sizes().vec();
        sizes.back() = weight.size(0);
        context->saved_data["sizes"] = input.sizes().vec();
        context->saved_data["hasBias"] = bias.numel() > 0;
        return apus::product(x, factor, bias.numel() > 0 ? std::optional(bias.to(x.scalar_type())) : std::nullopt).view(sizes);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context, torch::autograd::variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const auto &x = saved[0], &weight = saved[1];
        const auto dy = gradients[0].reshape({-1, weight.size(0)});
        at::Tensor dx, dw, db;
        if (context->needs_input_grad(0)) dx = apus::product(dy, weight.t()).view(context->saved_data["sizes"].toIntVector());
        if (context->needs_input_grad(1)) dw = apus::isHalf(x) ? at::mm(dy.t(), x).to(at::kFloat) : apus::weightGradient(dy, x);
        if (context->saved_data["hasBias"].toBool() && context->needs_input_grad(2)) db = at::sum(dy, {0}, false, at::kFloat);
        return {dx, dw, db};
    }
};

}  // namespace

at::Tensor apus::product(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias) {
    if (!oneDNN() || x.scalar_type() != at::kFloat || x.numel() == 0) return at::linear(x, weight, bias);
    return multiplied(x, weight, bias);
}

namespace {

/// Whether our products take these, in the types that they have here.
bool isPlain(const at::Tensor &x, const at::Tensor &weight) {
    return weight.scalar_type() == at::kFloat && apus::hasKernels(x) && x.dim() > 1 && weight.dim() == 2 && x.size(-1) == weight.size(1) && (x.scalar_type() == at::kFloat || x.scalar_type() == productType());
}

}  // namespace

at::Tensor apus::linear(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias) {
    if (!isPlain(x, weight)) return at::linear(x, weight, bias);
    return Linear::apply(x.to(productType()), weight, bias ? *bias : at::empty({0}, weight.options()));
}

apus_status apus_linear(apus_tensor input, apus_tensor weight, apus_tensor bias, apus_tensor *out) APUS_NOEXCEPT {
    return apus::made(out, [&] {
        const bool hasOwn = input->forProducts.defined() && input->forProducts.scalar_type() == productType();
        const auto &x = hasOwn ? input->forProducts : input->value;
        const auto offset = bias ? std::optional(bias->value) : std::nullopt;
        if (!isPlain(x, weight->value) || x.numel() == 0) return apus::linear(x, weight->value, offset);
        const auto order = packed(weight);
        if (!order) return apus::linear(x, weight->value, offset);
        const auto rows = x.to(productType()).reshape({-1, x.size(-1)});
        auto sizes = x.sizes().vec();
        sizes.back() = weight->value.size(0);
        return multiplied(rows, *order, offset ? std::optional(offset->to(productType())) : std::nullopt).view(sizes);
    });
}
