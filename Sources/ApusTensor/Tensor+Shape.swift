import CTorch

extension Tensor {
    /// The same elements in another shape.
    ///
    /// - Parameter shape: The new sizes; one of them may be -1 and is then inferred.
    /// - Returns: A view where the layout allows it, else a copy.
    public func reshaped(_ shape: Int...) -> Tensor { reshaped(shape) }

    /// The same elements in another shape.
    ///
    /// - Parameter shape: The new sizes; one of them may be -1 and is then inferred.
    /// - Returns: A view where the layout allows it, else a copy.
    public func reshaped(_ shape: [Int]) -> Tensor {
        make("reshaped", [self]) { apus_reshape(handle, shape.sizes, Int32(shape.count), $0) }
    }

    /// A view with its dimensions in another order.
    ///
    /// - Parameter order: For each new dimension, the old one.
    /// - Returns: The view.
    public func permuted(_ order: Int...) -> Tensor {
        make("permuted", [self]) { apus_permute(handle, order.sizes, Int32(order.count), $0) }
    }

    /// A view with two dimensions exchanged.
    ///
    /// - Parameters:
    ///   - first: One dimension; negative counts from the last.
    ///   - second: The other.
    /// - Returns: The view.
    public func transposed(_ first: Int, _ second: Int) -> Tensor {
        make("transposed", [self]) { apus_transpose(handle, Int64(first), Int64(second), $0) }
    }

    /// A view of a range along one dimension.
    ///
    /// - Parameters:
    ///   - range: What is kept.
    ///   - dimension: Along which dimension; negative counts from the last.
    /// - Returns: The view.
    public func sliced(_ range: Range<Int>, dimension: Int) -> Tensor {
        make("sliced", [self]) {
            apus_narrow(handle, Int64(dimension), Int64(range.lowerBound), Int64(range.count), $0)
        }
    }

    /// A view of all windows along one dimension; a window's elements are the new last dimension.
    ///
    /// - Parameters:
    ///   - dimension: Along which dimension.
    ///   - size: The length of a window.
    ///   - step: From one window's start to the next.
    /// - Returns: The view.
    public func windows(dimension: Int, size: Int, step: Int = 1) -> Tensor {
        make("windows", [self]) {
            apus_unfold(handle, Int64(dimension), Int64(size), Int64(step), $0)
        }
    }

    /// Joins tensors along one dimension.
    ///
    /// - Parameters:
    ///   - tensors: At least one tensor; all but the joined dimension agree.
    ///   - dimension: Along which dimension.
    /// - Returns: A new tensor.
    public static func concatenated(_ tensors: [Tensor], dimension: Int) -> Tensor {
        let handles = tensors.map(\.handle)
        return make("concatenated", tensors) {
            apus_concatenate(handles, Int32(handles.count), Int64(dimension), $0)
        }
    }

    /// The rows (or columns, ...) with the given indices.
    ///
    /// - Parameters:
    ///   - indices: One-dimensional integers.
    ///   - dimension: Along which dimension.
    /// - Returns: A new tensor.
    public func selected(_ indices: Tensor, dimension: Int) -> Tensor {
        make("selected", [self, indices]) {
            apus_index_select(handle, Int64(dimension), indices.handle, $0)
        }
    }

    /// The elements at which a mask is true, in one dimension.
    ///
    /// - Parameter mask: Booleans that broadcast to this shape.
    /// - Returns: A new one-dimensional tensor.
    public func selected(where mask: Tensor) -> Tensor {
        make("selected(where:)", [self, mask]) { apus_masked_select(handle, mask.handle, $0) }
    }

    /// The tensor with one value wherever a mask is true.
    ///
    /// - Parameters:
    ///   - mask: Booleans that broadcast to this shape.
    ///   - value: The value put there.
    /// - Returns: A new tensor.
    public func filled(where mask: Tensor, with value: Double) -> Tensor {
        make("filled", [self, mask]) { apus_masked_fill(handle, mask.handle, value, $0) }
    }
}
