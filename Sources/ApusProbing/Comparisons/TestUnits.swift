import ApusCorpus
import ApusReport

/// What a paired bootstrap draws of test recordings: each by itself, or groups that aren't independent.
struct TestUnits {
    /// The key by which recordings are grouped; nil where each is its own.
    let key: String?
    /// The group of each recording; nil where each is its own.
    let groups: [String]?
    /// The positions of each unit's recordings.
    let members: [[Int]]

    /// Units of single recordings.
    ///
    /// - Parameter count: The number of recordings.
    init(count: Int) { (key, groups, members) = (nil, nil, (0..<count).map { [$0] }) }

    /// Units of recordings that share a value.
    ///
    /// - Parameters:
    ///   - cuts: The recordings.
    ///   - key: The key by which they are grouped.
    init(_ cuts: [Cut], key: String) {
        let groups = cuts.map { $0.text(of: key) ?? "" }
        let members = Dictionary(grouping: groups.indices, by: { groups[$0] })
        (self.key, self.groups) = (key, groups)
        self.members = members.values.sorted { $0[0] < $1[0] }
    }

    /// What is drawn, in words.
    var drawn: Results.Comparison.Drawn {
        Results.Comparison.Drawn(key.map { "\($0)s" } ?? "recordings", count: members.count)
    }
}
