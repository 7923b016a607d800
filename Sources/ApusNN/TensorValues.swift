/// A tensor's shape and values outside of the engine: what files hold.
public struct TensorValues: Equatable, Sendable {
    /// The size of each dimension.
    public var shape: [Int]
    /// The elements, row-major.
    public var values: [Float]

    /// A tensor's shape and values.
    ///
    /// - Parameters:
    ///   - shape: The size of each dimension.
    ///   - values: As many elements as the shape says, row-major.
    public init(shape: [Int], values: [Float]) {
        precondition(shape.reduce(1, *) == values.count, "\(values.count) values for \(shape)")
        self.shape = shape
        self.values = values
    }
}
