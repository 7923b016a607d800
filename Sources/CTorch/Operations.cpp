// Arithmetic, layers and losses that libtorch has as they are.
#include "Guard.hpp"

using apus::made;

namespace {

std::optional<at::Tensor> optional(apus_tensor tensor) {
    return tensor ? std::optional<at::Tensor>(tensor->value) : std::nullopt;
}

}  // namespace

#define APUS_UNARY(NAME, EXPRESSION)                                              \
    apus_status NAME(apus_tensor a, apus_tensor *out) APUS_NOEXCEPT {             \
        return made(out, [&] { return EXPRESSION; });                             \
    }
#define APUS_BINARY(NAME, EXPRESSION)                                             \
    apus_status NAME(apus_tensor a, apus_tensor b, apus_tensor *out) APUS_NOEXCEPT { \
        return made(out, [&] { return EXPRESSION; });                             \
    }

APUS_BINARY(apus_add, a->value + b->value)
APUS_BINARY(apus_subtract, a->value - b->value)
APUS_BINARY(apus_multiply, a->value * b->value)
APUS_BINARY(apus_divide, a->value / b->value)
APUS_BINARY(apus_matmul, at::matmul(a->value, b->value))
APUS_BINARY(apus_equal, at::eq(a->value, b->value))
APUS_UNARY(apus_absolute, at::abs(a->value))
APUS_UNARY(apus_square_root, at::sqrt(a->value))
APUS_UNARY(apus_logarithm, at::log(a->value))
APUS_UNARY(apus_relu, at::relu(a->value))
APUS_UNARY(apus_gelu, at::gelu(a->value))
APUS_UNARY(apus_silu, at::silu(a->value))
APUS_UNARY(apus_hyperbolic_tangent, at::tanh(a->value))
APUS_UNARY(apus_sum_all, at::sum(a->value))

apus_status apus_affine(apus_tensor a, double scale, double offset, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] {
        if (scale == 1.0) return at::add(a->value, offset);
        auto scaled = at::mul(a->value, scale);
        return offset == 0.0 ? scaled : at::add(scaled, offset);
    });
}

apus_status apus_glu(apus_tensor a, int64_t dimension, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] { return at::glu(a->value, dimension); });
}

apus_status apus_softmax(apus_tensor a, int64_t dimension, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] { return at::softmax(a->value, dimension); });
}

apus_status apus_log_softmax(apus_tensor a, int64_t dimension, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] { return at::log_softmax(a->value, dimension); });
}

apus_status apus_sum(apus_tensor a, int64_t dimension, bool keeps, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] { return at::sum(a->value, {dimension}, keeps); });
}

apus_status apus_argmax(apus_tensor a, int64_t dimension, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] { return at::argmax(a->value, dimension); });
}

apus_status apus_symmetric_eigenvalues(apus_tensor a, apus_tensor *out) APUS_NOEXCEPT {
    // On the CPU, which has LAPACK's solver in any build.
    return made(out, [&] { return at::linalg_eigvalsh(a->value.to(at::kCPU, at::kDouble)).to(a->value.device(), at::kFloat); });
}

apus_status apus_symmetric_eigenvectors(const double *matrix, int64_t size, double *values, double *vectors) APUS_NOEXCEPT {
    return apus::guarded([&] {
        auto given = at::from_blob(const_cast<double *>(matrix), {size, size}, at::kDouble);
        auto [found, columns] = at::linalg_eigh(given);
        at::from_blob(values, {size}, at::kDouble).copy_(found);
        at::from_blob(vectors, {size, size}, at::kDouble).copy_(columns.t());
    });
}

apus_status apus_conv1d(apus_tensor input, apus_tensor weight, apus_tensor bias, int64_t stride, int64_t padding, int64_t groups, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] {
        return at::conv1d(input->value, weight->value, optional(bias), {stride}, {padding}, {1}, groups);
    });
}

apus_status apus_layer_norm(apus_tensor input, apus_tensor weight, apus_tensor bias, double epsilon, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] {
        return at::layer_norm(input->value, weight->value.sizes(), weight->value, bias->value, epsilon);
    });
}

apus_status apus_cross_entropy(apus_tensor logits, apus_tensor targets, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] { return at::cross_entropy_loss(logits->value, targets->value); });
}
