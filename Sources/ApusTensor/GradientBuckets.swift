import CTorch

/// Adds up the gradients of all processes, bucket by bucket, while the backward pass still runs.
///
/// Li et al. 2020, PyTorch Distributed: Experiences on Accelerating Data Parallel Training. A parameter
/// that has no gradient on this process counts as zero; one that has none on any keeps none.
public final class GradientBuckets {
    private let handle: apus_buckets
    private let group: ProcessGroup
    private let parameters: [Tensor]

    /// Buckets of some parameters; every process makes them of the same ones.
    ///
    /// - Parameters:
    ///   - parameters: Whose gradients are added up.
    ///   - group: The processes.
    ///   - megabytes: The most that a bucket of several parameters holds, in MiB.
    ///   - halves: Whether gradients are sent in bfloat16: half of the bytes, with sums rounded to 8
    ///     bits.
    public init(
        of parameters: [Tensor], in group: ProcessGroup, megabytes: Double = 25,
        halves: Bool = false
    ) {
        (self.group, self.parameters) = (group, parameters)
        var out: apus_buckets?
        let handles = parameters.map(\.handle)
        withExtendedLifetime(parameters) {
            succeed(
                apus_buckets_open(
                    group.group, handles, Int32(handles.count), Int64(megabytes * 0x1p20), halves,
                    &out), "GradientBuckets")
        }
        guard let out else { preconditionFailure("no buckets came back") }
        handle = out
    }

    deinit { apus_buckets_free(handle) }

    /// Has the next backward pass send each bucket as soon as its gradients are there.
    public func arm() { apus_buckets_arm(handle) }

    /// Sends what the backward pass hasn't, and waits until each parameter has the sum.
    ///
    /// - Throws: `ProcessError.lost`.
    public func reduce() throws(ProcessError) {
        succeed(apus_buckets_flush(handle), "reduce")
        try group.wait { apus_buckets_wait(handle, $0, $1) }
    }
}
