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

    /// Where new tensors live; the processor at first.
    public static var device: Device { Device(number: apus_device()) }

    /// Has new tensors live on a device; call it before the first tensor, as tensors of different
    /// devices don't compute with each other.
    ///
    /// Random numbers are the same on all devices.
    ///
    /// - Parameter device: The device.
    /// - Throws: `EngineError.missingDevice` where libtorch doesn't find it.
    public static func use(_ device: Device) throws(EngineError) {
        if case .cuda(let index) = device {
            precondition(index >= 0, "CUDA device \(index)")
            guard index < cudaDeviceCount else {
                throw .missingDevice(device, found: cudaDeviceCount)
            }
        }
        succeed(apus_set_device(device.number), "use")
    }

    /// Computes without Apus's own kernels, as every device but the processor does: compositions of
    /// libtorch's operations stand in for them.
    ///
    /// Draws are the same; other numbers may differ in their last digits.
    ///
    /// - Parameter body: What is computed.
    /// - Returns: What `body` returns.
    public static func withoutKernels<Result>(_ body: () throws -> Result) rethrows -> Result {
        let before = apus_set_kernels_used(false)
        defer { _ = apus_set_kernels_used(before) }
        return try body()
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
