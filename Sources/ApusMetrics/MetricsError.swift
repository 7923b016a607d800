/// What is wrong with the values that a metric was asked about.
public enum MetricsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A metric needs at least `needed` values of `what` and was given `found`.
    case tooFew(what: String, needed: Int, found: Int)
    /// Two lists that belong together differ in length.
    case countMismatch(what: String, expected: Int, found: Int)
    /// A value is not a number, or is infinite.
    case notFinite(what: String, index: Int)
    /// A class index lies outside `0..<classCount`.
    case classOutOfRange(what: String, index: Int, found: Int, classCount: Int)
    /// A value lies outside what it may be.
    case outOfRange(what: String, index: Int, expected: String, found: String)
    /// Values that have to differ are all equal.
    case constant(what: String)

    /// The fault in one sentence.
    public var description: String {
        switch self {
        case .tooFew(let what, let needed, let found):
            return "\(what): at least \(needed) needed, found \(found)"
        case .countMismatch(let what, let expected, let found):
            return "\(what): expected \(expected) values, found \(found)"
        case .notFinite(let what, let index):
            return "\(what): value \(index) is not a finite number"
        case .classOutOfRange(let what, let index, let found, let classCount):
            return "\(what): value \(index) is class \(found), expected 0 to \(classCount - 1)"
        case .outOfRange(let what, let index, let expected, let found):
            return "\(what): value \(index) is \(found), expected \(expected)"
        case .constant(let what):
            return "\(what): all values are equal"
        }
    }
}

/// Throws where `values` holds something that is not a finite number.
func requireFinite(_ values: some Sequence<some BinaryFloatingPoint>, _ what: String) throws {
    for (index, value) in values.enumerated() where !value.isFinite {
        throw MetricsError.notFinite(what: what, index: index)
    }
}

/// Throws where fewer than `needed` values are there.
func requireCount(_ found: Int, atLeast needed: Int, _ what: String) throws {
    guard found >= needed else {
        throw MetricsError.tooFew(what: what, needed: needed, found: found)
    }
}
