// The gradient of a linear map's weight, dW = dyᵀ x, a product whose long dimension is the rows'.
//
// The narrower of the two is transposed, block by block, in a core's cache; each core has some columns
// of it and adds up all rows in the same order, so that the bits don't depend on the number of threads.
#include <cstring>

#include "Blocks.hpp"
#include "Product.hpp"

namespace {

/// Columns of the narrower factor that are multiplied at once.
constexpr int64_t panel = 64;
/// Rows that are multiplied at once.
constexpr int64_t chunk = 128;

/// narrowᵀ wide for narrow (N, P) and wide (N, Q): in `out` (P, Q) or, where it is `turned`, (Q, P).
void multiplyColumns(const at::Tensor &narrow, const at::Tensor &wide, const at::Tensor &out, bool turned) {
    const int64_t N = narrow.size(0), P = narrow.size(1), Q = wide.size(1);
    apus::parallel((P + panel - 1) / panel, 1, [&](int64_t first, int64_t last) {
        at::AutoDispatchBelowADInplaceOrView unrecorded;
        const int64_t start = first * panel, count = std::min(P, last * panel) - start;
        auto columns = at::empty({panel, chunk}, narrow.options()), sums = at::empty({count, Q}, out.options());
        float *column = columns.data_ptr<float>(), *sum = sums.data_ptr<float>();
        for (int64_t begin = 0; begin < N; begin += chunk) {
            const int64_t rows = std::min(chunk, N - begin);
            for (int64_t place = 0; place < count; place += panel) {
                const int64_t width = std::min(panel, count - place);
                apus::transpose(narrow.data_ptr<float>() + begin * P + start + place, P, column, chunk, rows, width);
                apus::multiply(column, chunk, wide.data_ptr<float>() + begin * Q, Q, sum + place * Q, Q, width, Q, rows, begin > 0);
            }
        }
        if (turned) apus::transpose(sum, Q, out.data_ptr<float>() + start, P, count, Q);
        else std::memcpy(out.data_ptr<float>() + start * Q, sum, static_cast<size_t>(count * Q) * sizeof(float));
    });
}

}  // namespace

at::Tensor apus::weightGradient(const at::Tensor &gradient, const at::Tensor &input) {
    const auto dy = gradient.contiguous(), x = input.contiguous();
    if (x.size(0) == 0) return at::zeros({dy.size(1), x.size(1)}, x.options());
    auto out = at::empty({dy.size(1), x.size(1)}, x.options());
    const bool turned = dy.size(1) > x.size(1);
    if (turned) multiplyColumns(x, dy, out, turned);
    else multiplyColumns(dy, x, out, turned);
    return out;
}
