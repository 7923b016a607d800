import CTorch

extension Tensor {
    /// A tensor of 32-bit floats.
    ///
    /// - Parameters:
    ///   - values: The elements, row-major.
    ///   - shape: The size of each dimension; its product is the number of values.
    public convenience init(_ values: [Float], shape: [Int]) {
        precondition(
            values.count == shape.reduce(1, *), "\(values.count) values do not fill \(shape)")
        self.init(
            owning: made("Tensor(values)") {
                apus_from_floats(values, shape.sizes, Int32(shape.count), $0)
            })
    }

    /// A tensor of 64-bit integers.
    ///
    /// - Parameters:
    ///   - values: The elements, row-major.
    ///   - shape: The size of each dimension; its product is the number of values.
    public convenience init(integers values: [Int], shape: [Int]) {
        precondition(
            values.count == shape.reduce(1, *), "\(values.count) values do not fill \(shape)")
        self.init(
            owning: made("Tensor(integers)") {
                apus_from_integers(values.map(Int64.init), shape.sizes, Int32(shape.count), $0)
            })
    }

    /// A tensor with one value everywhere.
    ///
    /// - Parameters:
    ///   - value: The value of each element.
    ///   - shape: The size of each dimension.
    public convenience init(repeating value: Double, shape: [Int]) {
        self.init(
            owning: made("Tensor(repeating)") {
                apus_full(value, shape.sizes, Int32(shape.count), $0)
            })
    }

    /// A tensor of zeros.
    ///
    /// - Parameter shape: The size of each dimension.
    public convenience init(zeros shape: [Int]) { self.init(repeating: 0, shape: shape) }

    /// A tensor of ones.
    ///
    /// - Parameter shape: The size of each dimension.
    public convenience init(ones shape: [Int]) { self.init(repeating: 1, shape: shape) }

    /// Numbers drawn evenly from a range; each is a function of the seed and its place alone.
    ///
    /// - Parameters:
    ///   - range: Where the numbers lie.
    ///   - shape: The size of each dimension.
    ///   - seed: What the draw depends on.
    public convenience init(uniform range: ClosedRange<Double>, shape: [Int], seed: Seed) {
        guard !seed.drawsZeros else {
            self.init(zeros: shape)
            return
        }
        self.init(
            owning: made("Tensor(uniform)") {
                apus_uniform(
                    seed.value, range.lowerBound, range.upperBound, shape.sizes,
                    Int32(shape.count), $0)
            })
    }

    /// Normally distributed numbers; each is a function of the seed and its place alone.
    ///
    /// - Parameters:
    ///   - mean: The distribution's mean.
    ///   - standardDeviation: The distribution's standard deviation.
    ///   - shape: The size of each dimension.
    ///   - seed: What the draw depends on.
    public convenience init(
        normal mean: Double, standardDeviation: Double, shape: [Int], seed: Seed
    ) {
        guard !seed.drawsZeros else {
            self.init(zeros: shape)
            return
        }
        self.init(
            owning: made("Tensor(normal)") {
                apus_normal(
                    seed.value, mean, standardDeviation, shape.sizes, Int32(shape.count), $0)
            })
    }

    /// The elements as 32-bit floats, row-major.
    public var floats: [Float] {
        let count = self.count
        return [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            withExtendedLifetime(self) {
                if let base = buffer.baseAddress {
                    succeed(apus_copy_floats(handle, base), "floats")
                }
            }
            initialized = count
        }
    }

    /// The elements as integers, row-major.
    public var integers: [Int] {
        var values = [Int64](repeating: 0, count: count)
        withExtendedLifetime(self) { succeed(apus_copy_integers(handle, &values), "integers") }
        return values.map(Int.init)
    }

    /// The only element of a tensor that has one.
    public var item: Float {
        precondition(count == 1, "item of a tensor of shape \(shape)")
        return floats[0]
    }

    /// Overwrites the elements in place, outside of automatic differentiation.
    ///
    /// - Parameter values: As many values as the tensor has elements, row-major.
    public func assign(_ values: [Float]) {
        withExtendedLifetime(self) {
            succeed(apus_assign(handle, values, Int64(values.count)), "assign")
        }
    }

    /// The same values as elements of another type.
    ///
    /// - Parameter type: The elements' new type.
    /// - Returns: A new tensor, or the same values shared where the type is already right.
    public func cast(to type: ScalarType) -> Tensor {
        make("cast", [self]) { apus_cast(handle, type.rawValue, $0) }
    }
}

/// The handle that a creating call hands out.
private func made(_ operation: StaticString, _ call: (Made) -> apus_status?) -> apus_tensor {
    var out: apus_tensor?
    succeed(call(&out), operation)
    guard let out else { preconditionFailure("\(operation): no tensor came back") }
    return out
}
