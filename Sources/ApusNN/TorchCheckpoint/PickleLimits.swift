/// What a pickle may cost to read.
///
/// A model's pickle names its tensors and has a few hundred thousand bytes; these limits lie far beyond
/// it and keep a hostile one within a second and 200 MB.
struct PickleLimits {
    /// The bytes of one pickle.
    var byteCount = 16 << 20
    /// Containers, and keys of the memo.
    var containerCount = 400_000
    /// Elements of all containers, and of the stack.
    var elementCount = 1_000_000
    /// How deep containers may lie within each other.
    var depth = 100
    /// Tensors.
    var tensorCount = 100_000
}
