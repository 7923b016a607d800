// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusTensor

/// Which recordings of a batch are computed here, where several processes share it.
///
/// Whatever is drawn for a recording is a function of the step and of the recording's place in the whole
/// batch: the same whichever process computes it, and whatever it is computed with.
public struct BatchPart {
    /// The place of each of the B recordings among those of the whole batch.
    public var rows: [Int]
    /// A number for each recording, the same for the same speaker; `nil` where no speaker is known.
    public var groups: [Int]?
    /// The recordings of all parts, where negatives are drawn from all; `nil` where they are drawn from
    /// those here.
    var pool: NegativePool?

    /// A part of a batch.
    ///
    /// - Parameters:
    ///   - rows: The place of each recording among those of the whole batch.
    ///   - groups: A number for each recording, the same for the same speaker; `nil` where no speaker
    ///     is known.
    public init(rows: [Int], groups: [Int]? = nil) {
        precondition(groups.map { $0.count == rows.count } ?? true, "each recording has a group")
        (self.rows, self.groups) = (rows, groups)
    }
}

/// The recordings of all processes' parts, from which the negatives of contrastive objectives are drawn.
///
/// Recordings are in the order of the whole batch, so that draws are those of one process that has it all.
struct NegativePool {
    /// What a process tells the others of its part.
    struct Share: Codable {
        /// The recordings' places in the whole batch, their frames, and who speaks.
        var rows: [Int]
        var lengths: [Int]
        var speakers: [String?]
    }

    /// Each recording's frames of features.
    let lengths: [Int]
    /// A number for each recording, the same for the same speaker; `nil` where no speaker is known.
    let groups: [Int]?
    /// Where the recordings here stand among all.
    let own: [Int]
    private let processes: ProcessGroup
    /// The most recordings that a process has.
    private let capacity: Int
    /// Where each recording stands among the rows that are gathered.
    private let places: [Int]

    /// The pool of the parts that the processes have told each other of.
    ///
    /// - Parameters:
    ///   - shares: Each process's part, by rank; at least one has a recording.
    ///   - processes: The processes.
    ///   - groups: Numbers speakers.
    init(
        _ shares: [Share], processes: ProcessGroup, groups: ([String?]) -> [Int]?
    ) {
        self.processes = processes
        // A process without a recording has a stand-in for one.
        capacity = max(1, shares.map(\.rows.count).max() ?? 1)
        let capacity = self.capacity
        let all = shares.enumerated().flatMap { rank, share in
            share.rows.indices.map {
                (
                    row: share.rows[$0], length: share.lengths[$0], speaker: share.speakers[$0],
                    place: rank * capacity + $0
                )
            }
        }.sorted { $0.row < $1.row }
        lengths = all.map(\.length)
        places = all.map(\.place)
        self.groups = groups(all.map(\.speaker))
        let rank = processes.place.rank
        let here = all.indices.filter { all[$0].place / capacity == rank }
        // Any recording stands for none: what is computed with it doesn't count.
        own = here.isEmpty ? [0] : here
    }

    /// The frames of all recordings, (P, S, D), with gradients.
    ///
    /// - Parameter frames: Those of the recordings here, (B, S, D).
    /// - Returns: The frames, in the order of the whole batch.
    func frames(_ frames: Tensor) -> Tensor {
        let (B, S, D) = (frames.shape[0], frames.shape[1], frames.shape[2])
        let filled =
            B == capacity
            ? frames
            : .concatenated(
                [frames, Tensor(zeros: [capacity - B, S, D]).cast(to: frames.type)], dimension: 0)
        return processes.gatherRows(filled)
            .selected(Tensor(integers: places, shape: [places.count]), dimension: 0)
    }
}
