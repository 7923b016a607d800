/// Recordings with their labels, as a probe sees them.
public struct ProbePart: Sendable {
    /// One vector for each recording and layer.
    public var representation: Representation
    /// The label of each recording.
    public var labels: [String]

    /// A part.
    ///
    /// - Parameters:
    ///   - representation: One vector for each recording and layer.
    ///   - labels: The label of each recording.
    public init(representation: Representation, labels: [String]) {
        precondition(representation.count == labels.count, "a label for each recording")
        self.representation = representation
        self.labels = labels
    }

    /// Some of the recordings.
    func rows(_ indices: [Int]) -> ProbePart {
        let layers = representation.layers.map { layer in
            var matrix: [Float] = []
            matrix.reserveCapacity(indices.count * layer.width)
            for row in indices {
                matrix += layer.matrix[row * layer.width..<(row + 1) * layer.width]
            }
            return Representation.Layer(name: layer.name, width: layer.width, matrix: matrix)
        }
        return ProbePart(
            representation: Representation(
                system: representation.system, count: indices.count, layers: layers),
            labels: indices.map { labels[$0] })
    }
}

/// The classes of a training part, numbered in alphabetical order.
struct ClassList: Sendable {
    let names: [String]
    private let numbers: [String: Int]

    init(labels: [String]) {
        names = Set(labels).sorted()
        numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    }

    func number(of label: String) -> Int? { numbers[label] }

    /// The class numbers of a part's labels.
    func numbers(of labels: [String], part: String) throws -> [Int] {
        let unknown = labels.filter { numbers[$0] == nil }
        guard unknown.isEmpty else {
            throw ProbingError.unknownLabels(
                part: part, counts: Dictionary(grouping: unknown, by: { $0 }).mapValues(\.count))
        }
        return labels.compactMap { numbers[$0] }
    }
}

/// Refuses parts from which nothing can be learned or measured.
func requireUsable(train: [String], development: [String], test: [String]) throws {
    let classes = Set(train).sorted()
    guard classes.count > 1 else {
        throw ProbingError.tooFewClasses(path: "training part", classes: classes, reason: "")
    }
    for (name, labels) in [("development part", development), ("test part", test)]
    where labels.isEmpty {
        throw ProbingError.nothingLeft(path: name, reason: "it is empty")
    }
}
