import CTorch

/// The tensor engine as a whole: threads, memory, what it is.
public enum Engine {
    /// libtorch's version.
    public static var libtorchVersion: String { String(cString: apus_libtorch_version()) }

    /// The number of CUDA devices that this build of libtorch can use.
    public static var cudaDeviceCount: Int { Int(apus_cuda_device_count()) }

    /// The number of threads that one operation may use.
    public static var threadCount: Int { Int(apus_thread_count()) }

    /// Prepares the engine for computing; call it once, before the first tensor.
    ///
    /// - Parameter threadCount: How many threads one operation may use.
    public static func start(threadCount: Int) {
        precondition(threadCount > 0, "\(threadCount) threads")
        apus_tune_allocator()
        succeed(apus_set_thread_count(Int32(threadCount)), "start")
    }

    /// Computes with another number of threads, and then with the number before.
    ///
    /// Small operations are faster on one thread, and far faster on a machine that is busy with
    /// other work: threads that wait for each other there wait long.
    ///
    /// - Parameters:
    ///   - threadCount: How many threads one operation may use inside `body`.
    ///   - body: What is computed.
    /// - Returns: What `body` returns.
    public static func withThreadCount<Result>(
        _ threadCount: Int, _ body: () throws -> Result
    ) rethrows -> Result {
        precondition(threadCount > 0, "\(threadCount) threads")
        let before = apus_thread_count()
        succeed(apus_set_thread_count(Int32(threadCount)), "withThreadCount")
        defer { succeed(apus_set_thread_count(before), "withThreadCount") }
        return try body()
    }
}
