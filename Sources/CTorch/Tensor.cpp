// Creation, access, differentiation and shape.
#include <cmath>

#include "Device.hpp"

using apus::guarded;
using apus::made;

namespace {

at::ScalarType scalarType(int32_t type) {
    switch (type) {
        case APUS_FLOAT32: return at::kFloat;
        case APUS_BFLOAT16: return at::kBFloat16;
        case APUS_INT64: return at::kLong;
        case APUS_BOOL: return at::kBool;
    }
    TORCH_CHECK(false, "no scalar type has the number ", type);
}

/// Fills a new tensor from f(index), in parallel; on the CPU, so that devices have the same numbers.
template <class Function>
at::Tensor generated(const int64_t *shape, int32_t rank, Function f) {
    auto result = at::empty(at::IntArrayRef(shape, rank), at::kFloat);
    float *values = result.data_ptr<float>();
    apus::parallel(result.numel(), 16384, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) values[i] = f(static_cast<uint64_t>(i));
    });
    return apus::onDevice(result);
}

/// 24 bits in [0, 1).
double unit(uint64_t bits) { return static_cast<double>(bits >> 40) * 0x1p-24; }

}  // namespace

apus_status apus_from_floats(const float *values, const int64_t *shape, int32_t rank, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] {
        auto result = at::empty(at::IntArrayRef(shape, rank), at::kFloat);
        if (result.numel() > 0)
            memcpy(result.data_ptr<float>(), values, result.numel() * sizeof(float));
        return apus::onDevice(result);
    });
}

apus_status apus_from_integers(const int64_t *values, const int64_t *shape, int32_t rank, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] {
        auto result = at::empty(at::IntArrayRef(shape, rank), at::kLong);
        if (result.numel() > 0)
            memcpy(result.data_ptr<int64_t>(), values, result.numel() * sizeof(int64_t));
        return apus::onDevice(result);
    });
}

apus_status apus_full(double value, const int64_t *shape, int32_t rank, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] { return at::full(at::IntArrayRef(shape, rank), value, at::TensorOptions(apus::device()).dtype(at::kFloat)); });
}

apus_status apus_uniform(uint64_t seed, double low, double high, const int64_t *shape, int32_t rank, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] {
        return generated(shape, rank, [=](uint64_t i) {
            return static_cast<float>(low + (high - low) * unit(apus::draw(seed, i)));
        });
    });
}

apus_status apus_normal(uint64_t seed, double mean, double deviation, const int64_t *shape, int32_t rank, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] {
        // Box and Muller 1958, one of the two numbers of each pair.
        return generated(shape, rank, [=](uint64_t i) {
            const double u = 1.0 - unit(apus::draw(seed, 2 * i));
            const double v = unit(apus::draw(seed, 2 * i + 1));
            return static_cast<float>(
                mean + deviation * std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * M_PI * v));
        });
    });
}

int32_t apus_rank(apus_tensor tensor) APUS_NOEXCEPT { return static_cast<int32_t>(tensor->value.dim()); }

void apus_shape(apus_tensor tensor, int64_t *out) APUS_NOEXCEPT {
    const auto sizes = tensor->value.sizes();
    std::copy(sizes.begin(), sizes.end(), out);
}

int32_t apus_type(apus_tensor tensor) APUS_NOEXCEPT {
    switch (tensor->value.scalar_type()) {
        case at::kFloat: return APUS_FLOAT32;
        case at::kBFloat16: return APUS_BFLOAT16;
        case at::kLong: return APUS_INT64;
        case at::kBool: return APUS_BOOL;
        default: return -1;
    }
}

int64_t apus_count(apus_tensor tensor) APUS_NOEXCEPT { return tensor->value.numel(); }

apus_status apus_copy_floats(apus_tensor tensor, float *out) APUS_NOEXCEPT {
    return guarded([&] {
        const auto values = tensor->value.detach().to(at::kCPU, at::kFloat).contiguous();
        if (values.numel() > 0)
            memcpy(out, values.data_ptr<float>(), values.numel() * sizeof(float));
    });
}

apus_status apus_copy_integers(apus_tensor tensor, int64_t *out) APUS_NOEXCEPT {
    return guarded([&] {
        const auto values = tensor->value.detach().to(at::kCPU, at::kLong).contiguous();
        if (values.numel() > 0)
            memcpy(out, values.data_ptr<int64_t>(), values.numel() * sizeof(int64_t));
    });
}

apus_status apus_assign(apus_tensor tensor, const float *values, int64_t count) APUS_NOEXCEPT {
    return guarded([&] {
        c10::NoGradGuard unrecorded;
        TORCH_CHECK(tensor->value.numel() == count, "a tensor of ", tensor->value.numel(), " elements was given ", count);
        tensor->forProducts.reset();
        tensor->value.copy_(at::from_blob(const_cast<float *>(values), tensor->value.sizes(), at::kFloat));
    });
}

apus_status apus_cast(apus_tensor tensor, int32_t type, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] { return tensor->value.to(scalarType(type)); });
}

apus_status apus_set_requires_gradient(apus_tensor tensor, bool required) APUS_NOEXCEPT {
    return guarded([&] {
        // What reads the value from here on must reach this gradient.
        tensor->forProducts.reset();
        tensor->value.set_requires_grad(required);
    });
}

bool apus_requires_gradient(apus_tensor tensor) APUS_NOEXCEPT { return tensor->value.requires_grad(); }

apus_status apus_detach(apus_tensor tensor, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] { return tensor->value.detach(); });
}

apus_status apus_backward(apus_tensor loss) APUS_NOEXCEPT {
    return guarded([&] { loss->value.backward(); });
}

apus_status apus_gradient(apus_tensor tensor, apus_tensor *out) APUS_NOEXCEPT {
    return guarded([&] {
        const auto &gradient = tensor->value.grad();
        *out = gradient.defined() ? new apus_tensor_s{gradient} : nullptr;
    });
}

void apus_clear_gradient(apus_tensor tensor) APUS_NOEXCEPT { tensor->value.mutable_grad().reset(); }

apus_status apus_reshape(apus_tensor tensor, const int64_t *shape, int32_t rank, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] { return tensor->value.reshape(at::IntArrayRef(shape, rank)); });
}

apus_status apus_permute(apus_tensor tensor, const int64_t *order, int32_t rank, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] { return tensor->value.permute(at::IntArrayRef(order, rank)); });
}

apus_status apus_transpose(apus_tensor tensor, int64_t first, int64_t second, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] { return tensor->value.transpose(first, second); });
}

apus_status apus_narrow(apus_tensor tensor, int64_t dimension, int64_t start, int64_t length, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] { return tensor->value.narrow(dimension, start, length); });
}

apus_status apus_unfold(apus_tensor tensor, int64_t dimension, int64_t size, int64_t step, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] { return tensor->value.unfold(dimension, size, step); });
}

apus_status apus_concatenate(const apus_tensor *tensors, int32_t count, int64_t dimension, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] {
        std::vector<at::Tensor> list;
        for (int32_t i = 0; i < count; ++i) list.push_back(tensors[i]->value);
        return at::cat(list, dimension);
    });
}

apus_status apus_index_select(apus_tensor tensor, int64_t dimension, apus_tensor indices, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] { return tensor->value.index_select(dimension, indices->value); });
}

apus_status apus_masked_select(apus_tensor tensor, apus_tensor mask, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] { return tensor->value.masked_select(mask->value); });
}

apus_status apus_masked_fill(apus_tensor tensor, apus_tensor mask, double value, apus_tensor *out) APUS_NOEXCEPT {
    return made(out, [&] { return tensor->value.masked_fill(mask->value, value); });
}
