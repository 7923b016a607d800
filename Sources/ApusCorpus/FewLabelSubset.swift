/// A few labelled examples of each class, chosen by chance.
///
/// The choice for one class depends on its own examples only, and a smaller choice is part of a
/// larger one with the same seed, so that curves over `perClass` compare like with like. A class
/// with fewer examples gives all it has.
///
/// - Parameters:
///   - labels: The class of each example.
///   - perClass: How many examples of each class to choose.
///   - seed: The seed of the choice.
/// - Returns: The indices of the chosen examples, in ascending order.
public func fewLabelSubset(labels: [String], perClass: Int, seed: UInt64) -> [Int] {
    precondition(perClass > 0, "a few-label subset has at least one example a class")
    var chosen: [Int] = []
    for (label, indices) in Dictionary(grouping: labels.indices, by: { labels[$0] }) {
        var shuffled = indices
        var generator = SeededGenerator(seed: seed, stream: "few labels/" + label)
        generator.shuffle(&shuffled)
        chosen += shuffled.prefix(perClass)
    }
    return chosen.sorted()
}
