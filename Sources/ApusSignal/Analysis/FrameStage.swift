/// A step of analysis from rows of features to rows of features.
///
/// Rows come in blocks of any size; what a stage gives in all does not depend on how they were cut.
protocol FrameStage: AnyObject {
    /// The number of features in a row that goes in.
    var inputWidth: Int { get }
    /// The number of features in a row that comes out.
    var outputWidth: Int { get }
    /// Takes in whole rows and gives those that are ready; after `isLast` it starts afresh.
    func callAsFunction(_ rows: [Float], isLast: Bool) -> [Float]
}

/// Rows that a stage looks back at, counted from the start of the recording.
struct RowBuffer {
    let width: Int
    /// The number of rows that came in.
    private(set) var count = 0
    private var values: [Float] = []
    private var first = 0

    init(width: Int) {
        self.width = width
    }

    mutating func append(_ rows: [Float]) {
        values += rows
        count = first + values.count / width
    }

    /// The values of a row that was not dropped.
    func row(_ index: Int) -> ArraySlice<Float> {
        let start = (index - first) * width
        return values[start..<start + width]
    }

    /// Lends the values of a row that was not dropped.
    func withRow(_ index: Int, _ body: (UnsafeBufferPointer<Float>) -> Void) {
        let start = (index - first) * width
        values.withUnsafeBufferPointer {
            body(UnsafeBufferPointer(rebasing: $0[start..<start + width]))
        }
    }

    func value(row: Int, feature: Int) -> Float { values[(row - first) * width + feature] }

    /// Lets go of rows before one, where they are many.
    mutating func drop(before index: Int) {
        let droppable = min(index, count) - first
        guard droppable > 256, droppable * width > values.count / 2 else { return }
        values.removeFirst(droppable * width)
        first += droppable
    }

    mutating func reset() {
        values.removeAll(keepingCapacity: true)
        (first, count) = (0, 0)
    }
}
