// The C ABI over libtorch: tensors and the operations that Apus uses, no more.
//
// Every function that can fail returns its status: NULL where it succeeded, else a message that
// the caller owns and gives back with apus_message_free. No C++ exception crosses this boundary.
// A tensor that a function hands out belongs to the caller: apus_tensor_free gives it back.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define APUS_NOEXCEPT noexcept
extern "C" {
#else
#define APUS_NOEXCEPT
#endif

#pragma clang assume_nonnull begin

typedef struct apus_tensor_s *apus_tensor;
typedef char *_Nullable apus_status;

void apus_message_free(char *_Nullable message) APUS_NOEXCEPT;
void apus_tensor_free(apus_tensor tensor) APUS_NOEXCEPT;

// --- Runtime ------------------------------------------------------------------------------------

/// Keeps large buffers in the process instead of giving them back to the kernel after each step.
void apus_tune_allocator(void) APUS_NOEXCEPT;
apus_status apus_set_thread_count(int32_t count) APUS_NOEXCEPT;
int32_t apus_thread_count(void) APUS_NOEXCEPT;
const char *apus_libtorch_version(void) APUS_NOEXCEPT;
/// Number of CUDA devices that this build of libtorch can use.
int32_t apus_cuda_device_count(void) APUS_NOEXCEPT;
enum { APUS_CPU = -1, APUS_META = -2 };
/// Says where new tensors live: APUS_CPU, the number of a CUDA device, or APUS_META, where tensors
/// have shapes and no memory.
apus_status apus_set_device(int32_t device) APUS_NOEXCEPT;
int32_t apus_device(void) APUS_NOEXCEPT;
/// Sets whether our kernels are used on this thread where they can be; returns what it was. Without
/// them, and on every device but the CPU, compositions of libtorch's operations compute the same.
bool apus_set_kernels_used(bool used) APUS_NOEXCEPT;
/// Sets whether operations record gradients on this thread; returns what it was.
bool apus_set_gradients_recorded(bool recorded) APUS_NOEXCEPT;
/// Sets whether the device's matrix products run in bfloat16 on this thread; returns what it was.
bool apus_set_bfloat16_autocast(bool enabled) APUS_NOEXCEPT;

// --- Creation and access ------------------------------------------------------------------------

enum { APUS_FLOAT32 = 0, APUS_BFLOAT16 = 1, APUS_INT64 = 2, APUS_BOOL = 3 };

apus_status apus_from_floats(const float *values, const int64_t *shape, int32_t rank, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_from_integers(const int64_t *values, const int64_t *shape, int32_t rank, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_full(double value, const int64_t *shape, int32_t rank, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
/// Uniform numbers in [low, high), element i a function of (seed, i) alone.
apus_status apus_uniform(uint64_t seed, double low, double high, const int64_t *shape, int32_t rank, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
/// Normal numbers, element i a function of (seed, i) alone.
apus_status apus_normal(uint64_t seed, double mean, double deviation, const int64_t *shape, int32_t rank, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
int32_t apus_rank(apus_tensor tensor) APUS_NOEXCEPT;
void apus_shape(apus_tensor tensor, int64_t *out) APUS_NOEXCEPT;
int32_t apus_type(apus_tensor tensor) APUS_NOEXCEPT;
int64_t apus_count(apus_tensor tensor) APUS_NOEXCEPT;
/// Copies a tensor of any type out as 32-bit floats, row-major.
apus_status apus_copy_floats(apus_tensor tensor, float *out) APUS_NOEXCEPT;
apus_status apus_copy_integers(apus_tensor tensor, int64_t *out) APUS_NOEXCEPT;
/// Overwrites a tensor's values in place, outside of automatic differentiation.
apus_status apus_assign(apus_tensor tensor, const float *values, int64_t count) APUS_NOEXCEPT;
apus_status apus_cast(apus_tensor tensor, int32_t type, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;

// --- Differentiation ----------------------------------------------------------------------------

apus_status apus_set_requires_gradient(apus_tensor tensor, bool required) APUS_NOEXCEPT;
bool apus_requires_gradient(apus_tensor tensor) APUS_NOEXCEPT;
apus_status apus_detach(apus_tensor tensor, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_backward(apus_tensor loss) APUS_NOEXCEPT;
/// The accumulated gradient, or NULL in `out` where there is none.
apus_status apus_gradient(apus_tensor tensor, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
void apus_clear_gradient(apus_tensor tensor) APUS_NOEXCEPT;

// --- Shape --------------------------------------------------------------------------------------

apus_status apus_reshape(apus_tensor tensor, const int64_t *shape, int32_t rank, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_permute(apus_tensor tensor, const int64_t *order, int32_t rank, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_transpose(apus_tensor tensor, int64_t first, int64_t second, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_narrow(apus_tensor tensor, int64_t dimension, int64_t start, int64_t length, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
/// A view in which each of the last dimension's windows of `size` is a row of its own.
apus_status apus_unfold(apus_tensor tensor, int64_t dimension, int64_t size, int64_t step, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_concatenate(const apus_tensor _Nonnull *_Nonnull tensors, int32_t count, int64_t dimension, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_index_select(apus_tensor tensor, int64_t dimension, apus_tensor indices, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_masked_select(apus_tensor tensor, apus_tensor mask, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_masked_fill(apus_tensor tensor, apus_tensor mask, double value, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;

// --- Arithmetic ---------------------------------------------------------------------------------

apus_status apus_add(apus_tensor a, apus_tensor b, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_subtract(apus_tensor a, apus_tensor b, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_multiply(apus_tensor a, apus_tensor b, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_divide(apus_tensor a, apus_tensor b, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
/// scale * a + offset
apus_status apus_affine(apus_tensor a, double scale, double offset, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_matmul(apus_tensor a, apus_tensor b, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_equal(apus_tensor a, apus_tensor b, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_absolute(apus_tensor a, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_square_root(apus_tensor a, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_logarithm(apus_tensor a, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_relu(apus_tensor a, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_gelu(apus_tensor a, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_silu(apus_tensor a, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_hyperbolic_tangent(apus_tensor a, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
/// a[first half] * sigmoid(a[second half]) along one dimension.
apus_status apus_glu(apus_tensor a, int64_t dimension, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_softmax(apus_tensor a, int64_t dimension, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_log_softmax(apus_tensor a, int64_t dimension, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_sum_all(apus_tensor a, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_sum(apus_tensor a, int64_t dimension, bool keeps, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_argmax(apus_tensor a, int64_t dimension, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
/// The eigenvalues of a symmetric matrix, ascending, computed in 64 bits.
apus_status apus_symmetric_eigenvalues(apus_tensor a, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
/// The eigenvalues (n), ascending, and the eigenvectors (n, n), one a row, of a symmetric matrix (n, n).
apus_status apus_symmetric_eigenvectors(const double *_Nonnull matrix, int64_t size, double *_Nonnull values, double *_Nonnull vectors) APUS_NOEXCEPT;

// --- Layers and losses --------------------------------------------------------------------------

/// What dropout draws. Element i of a tensor is dropped or not by a function of (seed, i) alone. Where
/// `rows` says which place each of the tensor's rows (its first dimension) has among the rows of a whole
/// batch, i is the element's number in the whole batch's tensor.
typedef struct {
    double probability;
    uint64_t seed;
    const int64_t *_Nullable rows;
    int32_t row_count;
} apus_draw;

apus_status apus_linear(apus_tensor input, apus_tensor weight, apus_tensor _Nullable bias, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_conv1d(apus_tensor input, apus_tensor weight, apus_tensor _Nullable bias, int64_t stride, int64_t padding, int64_t groups, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
apus_status apus_layer_norm(apus_tensor input, apus_tensor weight, apus_tensor bias, double epsilon, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
/// One GRU layer: input (B, T, D) -> output (B, T, H); gates in PyTorch's order. It begins at `state`
/// (1, B, H), which is overwritten with where it ends, or at zero.
apus_status apus_gru(apus_tensor input, apus_tensor weight_ih, apus_tensor weight_hh, apus_tensor bias_ih, apus_tensor bias_hh, apus_tensor _Nullable state, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
/// One LSTM layer, likewise; `state` (2, B, H) is the state and the cell; gates in PyTorch's order.
apus_status apus_lstm(apus_tensor input, apus_tensor weight_ih, apus_tensor weight_hh, apus_tensor bias_ih, apus_tensor bias_hh, apus_tensor _Nullable state, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
/// Inner products of queries (R, K, D) with the frames (F, D) that indices (R, N) name -> (R, K, N).
apus_status apus_gathered_products(apus_tensor queries, apus_tensor frames, apus_tensor indices, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
/// Scores of predictions (B, W, K, D) with the frames (B, W + K, D) that they predict and with the
/// candidates (B, N, D) of their recording: (B, W, K, 1 + N), the frame k + 1 steps after t first.
apus_status apus_shared_scores(apus_tensor queries, apus_tensor frames, apus_tensor candidates, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
/// Each row's cross-entropy where the first class is the right one: (..., C) -> (...).
apus_status apus_first_class_loss(apus_tensor scores, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
/// Dropout, whatever the thread count.
apus_status apus_dropout(apus_tensor input, apus_draw draw, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
/// dropout(gelu(input + bias)) over rows of any number; draws as those of apus_dropout.
apus_status apus_gelu_dropout(apus_tensor input, apus_tensor _Nullable bias, apus_draw draw, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
/// LayerNorm(residual + dropout(input + bias)) over the last dimension; draws as those of apus_dropout.
apus_status apus_residual_norm(apus_tensor input, apus_tensor _Nullable bias, apus_tensor residual, apus_tensor weight, apus_tensor offset, double epsilon, apus_draw draw, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
/// What the heads gather: projected queries, keys and values (B, T, 3D) -> (B, T, D). Padding has B T
/// elements, true at what is hidden; the bias is (heads, T, T), the gates are (B, heads, T). Draws as of
/// weights (B, heads, T, T).
apus_status apus_attention(apus_tensor projected, apus_tensor _Nullable padding, apus_tensor _Nullable bias, apus_tensor _Nullable gates, int64_t heads, apus_draw draw, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;
/// Mean cross-entropy of logits (N, classes) against class indices (N).
apus_status apus_cross_entropy(apus_tensor logits, apus_tensor targets, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;

// --- Optimisation -------------------------------------------------------------------------------

/// Scales the gradients so that their joint 2-norm is at most `maximum`; gives the norm before.
apus_status apus_clip_gradients(const apus_tensor _Nonnull *_Nonnull parameters, int32_t count, double maximum, double *norm) APUS_NOEXCEPT;
/// One fused AdamW step over all parameters that have a gradient.
apus_status apus_adamw(const apus_tensor _Nonnull *_Nonnull parameters, const apus_tensor _Nonnull *_Nonnull first_moments, const apus_tensor _Nonnull *_Nonnull second_moments, int32_t count, int64_t step, double rate, double beta1, double beta2, double epsilon, double weight_decay) APUS_NOEXCEPT;
/// One step of stochastic gradient descent with momentum over all parameters that have a gradient.
apus_status apus_sgd(const apus_tensor _Nonnull *_Nonnull parameters, const apus_tensor _Nonnull *_Nonnull momenta, int32_t count, double rate, double momentum, double weight_decay) APUS_NOEXCEPT;
/// One LAMB step over all parameters that have a gradient.
apus_status apus_lamb(const apus_tensor _Nonnull *_Nonnull parameters, const apus_tensor _Nonnull *_Nonnull first_moments, const apus_tensor _Nonnull *_Nonnull second_moments, int32_t count, int64_t step, double rate, double beta1, double beta2, double epsilon, double weight_decay) APUS_NOEXCEPT;
/// averages += share * (values - averages), in place, outside of automatic differentiation.
apus_status apus_move_towards(const apus_tensor _Nonnull *_Nonnull averages, const apus_tensor _Nonnull *_Nonnull values, int32_t count, double share) APUS_NOEXCEPT;

// --- Processes ----------------------------------------------------------------------------------

typedef struct apus_store_s *apus_store;
typedef struct apus_group_s *apus_group;
typedef struct apus_work_s *apus_work;
typedef struct apus_buckets_s *apus_buckets;

/// The collectives that this build has, such as "gloo", separated by blanks.
const char *apus_backends(void) APUS_NOEXCEPT;

/// Connects to the key-value store at an address, or serves it there. `timeout` is in milliseconds.
apus_status apus_store_open(const char *host, int32_t port, bool serves, const char *prefix, int64_t timeout, apus_store _Nullable *_Nonnull out) APUS_NOEXCEPT;
void apus_store_free(apus_store store) APUS_NOEXCEPT;
apus_status apus_store_set(apus_store store, const char *key, const char *value) APUS_NOEXCEPT;
/// Sets a key that is empty or isn't there; another process's value stays.
apus_status apus_store_set_first(apus_store store, const char *key, const char *value) APUS_NOEXCEPT;
/// The value of a key, which apus_message_free gives back, or NULL in `out` where there is none.
apus_status apus_store_get(apus_store store, const char *key, char *_Nullable *_Nonnull out) APUS_NOEXCEPT;
/// The values of keys that all have one, one a line, in one question; apus_message_free gives them back.
apus_status apus_store_get_all(apus_store store, const char *const _Nonnull *_Nonnull keys, int32_t count, char *_Nullable *_Nonnull out) APUS_NOEXCEPT;

/// Joins the processes that name the same store and name: a call on each of them. `address` is one of this
/// machine's, `joining` how long that may take, and `timeout` how long a collective may that isn't patient,
/// in milliseconds.
apus_status apus_group_open(apus_store store, const char *name, const char *address, int32_t rank, int32_t size, int64_t joining, int64_t timeout, apus_group _Nullable *_Nonnull out) APUS_NOEXCEPT;
void apus_group_free(apus_group group) APUS_NOEXCEPT;
/// What went wrong in a collective inside of automatic differentiation, which apus_message_free gives
/// back, or NULL.
char *_Nullable apus_group_failure(apus_group group) APUS_NOEXCEPT;
/// Starts the sum over all processes of `count` numbers. A patient collective waits for days.
apus_status apus_sum_start(apus_group group, const double *values, int64_t count, bool patient, apus_work _Nullable *_Nonnull out) APUS_NOEXCEPT;
/// Starts to send `count` bytes of process `root` to all; the others' are overwritten.
apus_status apus_broadcast_start(apus_group group, const uint8_t *_Nullable bytes, int64_t count, int32_t root, bool patient, apus_work _Nullable *_Nonnull out) APUS_NOEXCEPT;
/// Starts to send `count` bytes of each process to all.
apus_status apus_gather_start(apus_group group, const uint8_t *bytes, int64_t count, bool patient, apus_work _Nullable *_Nonnull out) APUS_NOEXCEPT;
/// Waits so many milliseconds for a collective; it fails where the collective has.
apus_status apus_work_wait(apus_work work, int64_t milliseconds, bool *done) APUS_NOEXCEPT;
/// Copies out what a collective that is done has given.
void apus_work_result(apus_work work, void *out) APUS_NOEXCEPT;
void apus_work_free(apus_work work) APUS_NOEXCEPT;
/// The rows (B, ...) of all processes one after the other, (processes · B, ...), with gradients. A
/// failure gives zeros, and apus_group_failure its reason.
apus_status apus_gather_rows(apus_group group, apus_tensor rows, apus_tensor _Nullable *_Nonnull out) APUS_NOEXCEPT;

/// Buckets of at most `bytes`, one parameter at least, in which the processes' gradients are added up
/// from the last parameter to the first; in bfloat16 where `halves`.
apus_status apus_buckets_open(apus_group group, const apus_tensor _Nonnull *_Nonnull parameters, int32_t count, int64_t bytes, bool halves, apus_buckets _Nullable *_Nonnull out) APUS_NOEXCEPT;
void apus_buckets_free(apus_buckets buckets) APUS_NOEXCEPT;
/// Has the next backward pass send each bucket as soon as its gradients are there.
void apus_buckets_arm(apus_buckets buckets) APUS_NOEXCEPT;
/// Sends what the backward pass hasn't; a parameter without a gradient counts as zero.
apus_status apus_buckets_flush(apus_buckets buckets) APUS_NOEXCEPT;
/// Waits so many milliseconds for all buckets; once done, each parameter that has a gradient on any
/// process has the sum.
apus_status apus_buckets_wait(apus_buckets buckets, int64_t milliseconds, bool *done) APUS_NOEXCEPT;

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
