// Four or eight numbers at a time, from and to memory of any alignment.

@inline(__always)
func load4(_ source: UnsafePointer<Float>) -> SIMD4<Float> {
    UnsafeRawPointer(source).loadUnaligned(as: SIMD4<Float>.self)
}

@inline(__always)
func load8(_ source: UnsafePointer<Float>) -> SIMD8<Float> {
    UnsafeRawPointer(source).loadUnaligned(as: SIMD8<Float>.self)
}

@inline(__always)
func store4(_ values: SIMD4<Float>, to target: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(target).storeBytes(of: values, as: SIMD4<Float>.self)
}

@inline(__always)
func store8(_ values: SIMD8<Float>, to target: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(target).storeBytes(of: values, as: SIMD8<Float>.self)
}

@inline(__always)
func reversed(_ values: SIMD4<Float>) -> SIMD4<Float> {
    SIMD4(values.w, values.z, values.y, values.x)
}

/// The natural logarithms of eight positive, finite, normal numbers, to about 1 ulp.
///
/// With x = m 2^e and m from sqrt(1/2) to sqrt(2): ln x = e ln 2 + ln m. With s = (m - 1) / (m + 1):
/// ln m = 2 s + s^3 P(s^2), where a quadratic P fits to 8e-10 (least squares, reweighted).
///
/// ## Reference
/// W. J. Cody, W. Waite, "Software Manual for the Elementary Functions", 1980, chapter 6.
@inline(__always)
func naturalLogarithm(_ x: SIMD8<Float>) -> SIMD8<Float> {
    let bits = unsafeBitCast(x, to: SIMD8<Int32>.self)
    // Counted from the bits of sqrt(1/2), the exponent leaves a mantissa around 1.
    let exponent = (bits &- 0x3F35_04F3) &>> 23
    let mantissa = unsafeBitCast(bits &- (exponent &<< 23), to: SIMD8<Float>.self)
    let s = (mantissa - 1) / (mantissa + 1)
    let z = s * s
    let p = 0.666_667_76 + z * (0.399_775_42 + z * 0.298_717_32)
    let e = SIMD8<Float>(exponent)
    // ln 2 in two parts: the first has so few digits that its product with e is exact.
    return e * 0.693_115_23 + ((s * z * p + e * 3.194_618_4e-05) + (s + s))
}

/// Replaces values by their natural logarithms times a factor, in place.
///
/// - Parameters:
///   - values: `count` values; what is below the floor, and what is no number, counts as the floor.
///   - count: How many.
///   - floor: The smallest value that a logarithm is taken of; positive and normal.
///   - factor: What the logarithms are multiplied by.
func takeLogarithms(
    of values: UnsafeMutablePointer<Float>, count: Int, floor: Float, factor: Float
) {
    let (floors, factors) = (SIMD8(repeating: floor), SIMD8(repeating: factor))
    let largest = SIMD8(repeating: Float.greatestFiniteMagnitude)
    func logarithm(_ x: SIMD8<Float>) -> SIMD8<Float> {
        let bounded = x.replacing(with: largest, where: x .> largest)
        return naturalLogarithm(floors.replacing(with: bounded, where: x .> floors)) * factors
    }
    let whole = count - count % 8
    for index in stride(from: 0, to: whole, by: 8) {
        store8(logarithm(load8(values + index)), to: values + index)
    }
    guard whole < count else { return }
    var rest = floors
    for index in whole..<count { rest[index - whole] = values[index] }
    rest = logarithm(rest)
    for index in whole..<count { values[index] = rest[index - whole] }
}

/// Replaces values by their square roots, in place.
func takeSquareRoots(of values: UnsafeMutablePointer<Float>, count: Int) {
    let whole = count - count % 8
    for index in stride(from: 0, to: whole, by: 8) {
        store8(load8(values + index).squareRoot(), to: values + index)
    }
    for index in whole..<count { values[index] = values[index].squareRoot() }
}

/// The sum of values.
@inline(__always)
func sum(_ values: UnsafePointer<Float>, count: Int) -> Float {
    var lanes = SIMD8<Float>()
    let whole = count - count % 8
    for index in stride(from: 0, to: whole, by: 8) { lanes += load8(values + index) }
    var total = lanes.sum()
    for index in whole..<count { total += values[index] }
    return total
}

/// The sum of squared differences from an offset.
@inline(__always)
func sumOfSquares(_ values: UnsafePointer<Float>, count: Int, about offset: Float) -> Float {
    var lanes = SIMD8<Float>()
    let whole = count - count % 8
    for index in stride(from: 0, to: whole, by: 8) {
        let difference = load8(values + index) - offset
        lanes += difference * difference
    }
    var total = lanes.sum()
    for index in whole..<count { total += (values[index] - offset) * (values[index] - offset) }
    return total
}

/// The largest of one value or more.
func maximumOf(_ values: UnsafePointer<Float>, count: Int) -> Float {
    var lanes = SIMD8<Float>(repeating: values[0])
    let whole = count - count % 8
    for index in stride(from: 0, to: whole, by: 8) {
        let next = load8(values + index)
        lanes.replace(with: next, where: next .> lanes)
    }
    var largest = lanes.max()
    for index in whole..<count { largest = max(largest, values[index]) }
    return largest
}
