// swift-tools-version: 6.2
import Foundation
import PackageDescription

// libtorch: `LIBTORCH` where it is set, else the link that recipes/setup.sh makes in the checkout.
let libtorch = Context.environment["LIBTORCH"] ?? Context.packageDirectory + "/.libtorch"
let hasCUDA = FileManager.default.fileExists(atPath: libtorch + "/lib/libtorch_cuda.so")

/// Where CUDA's and NCCL's headers may lie: in the packages that a CUDA build of libtorch came with, or the
/// toolkit's.
let cudaHeaders: [String] = {
    let packages = libtorch + "/../nvidia"
    let toolkit = Context.environment["CUDA_HOME"] ?? "/usr/local/cuda"
    let folders = (try? FileManager.default.contentsOfDirectory(atPath: packages)) ?? []
    return folders.sorted().map { "\(packages)/\($0)/include" } + [toolkit + "/include"]
}()
/// Collectives between CUDA devices need libtorch's CUDA build and these headers.
let hasNCCL =
    hasCUDA
    && ["nccl.h", "cuda_runtime_api.h", "crt/host_config.h", "nv/target"].allSatisfy { header in
        (cudaHeaders + ["/usr/include"]).contains {
            FileManager.default.fileExists(atPath: "\($0)/\(header)")
        }
    }
let ncclFlags = hasNCCL ? ["-DUSE_C10D_NCCL"] + cudaHeaders.map { "-I\($0)" } : []

let libtorchLinkerFlags: [String] = [
    "-L\(libtorch)/lib", "-Xlinker", "-rpath", "-Xlinker", "\(libtorch)/lib",
    // A CUDA build of libtorch names libraries that its own run path finds at start-up only.
    "-Xlinker", "--allow-shlib-undefined",
]
let cudaLinkerFlags = ["-Xlinker", "--no-as-needed", "-ltorch_cuda", "-lc10_cuda"]

let ours: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
]
/// Arithmetic over samples, frames and scores: optimised in debug builds too.
let arithmetic: [SwiftSetting] = ours + [.unsafeFlags(["-O"], .when(configuration: .debug))]

func tests(_ module: String, _ more: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: module + "Tests", dependencies: [.target(name: module), "TestSupport"] + more,
        exclude: dataFolders(of: module + "Tests"), swiftSettings: ours)
}

/// Reference data lies beside the tests that read it by path; it is not part of the build.
func dataFolders(of target: String) -> [String] {
    ["References", "Fuzzed"].filter {
        FileManager.default.fileExists(atPath: Context.packageDirectory + "/Tests/\(target)/\($0)")
    }
}

let package = Package(
    name: "Apus",
    products: [
        .executable(name: "apus", targets: ["ApusCLI"]),
        .library(name: "ApusSignal", targets: ["ApusSignal"]),
        .library(name: "ApusCorpus", targets: ["ApusCorpus"]),
        .library(name: "ApusTensor", targets: ["ApusTensor"]),
        .library(name: "ApusNN", targets: ["ApusNN"]),
        .library(name: "ApusPretraining", targets: ["ApusPretraining"]),
        .library(name: "ApusProbing", targets: ["ApusProbing"]),
        .library(name: "ApusMetrics", targets: ["ApusMetrics"]),
        .library(name: "ApusReport", targets: ["ApusReport"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CSndfile", pkgConfig: "sndfile", providers: [.apt(["libsndfile1-dev"])]),
        .systemLibrary(name: "CFFTW", pkgConfig: "fftw3f", providers: [.apt(["libfftw3-dev"])]),
        .systemLibrary(name: "CSoxr", pkgConfig: "soxr", providers: [.apt(["libsoxr-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        .target(
            name: "ApusSignal", dependencies: ["CSndfile", "CFFTW", "CSoxr", "CZlib"],
            swiftSettings: arithmetic),
        .target(name: "ApusCorpus", dependencies: ["ApusSignal"], swiftSettings: arithmetic),
        .target(
            name: "CTorch",
            cxxSettings: [
                .unsafeFlags(
                    [
                        "-O2", "-Wno-everything", "-I\(libtorch)/include",
                        "-I\(libtorch)/include/torch/csrc/api/include",
                        // libtorch's collectives between processes: its headers include those of Gloo.
                        "-DUSE_DISTRIBUTED", "-DUSE_C10D_GLOO",
                    ] + ncclFlags)
            ],
            linkerSettings: [
                .unsafeFlags(libtorchLinkerFlags + (hasCUDA ? cudaLinkerFlags : [])),
                .linkedLibrary("torch"), .linkedLibrary("torch_cpu"), .linkedLibrary("c10"),
            ]),
        .target(name: "ApusTensor", dependencies: ["CTorch"], swiftSettings: arithmetic),
        .target(
            name: "ApusNN", dependencies: ["ApusTensor", "ApusSignal"],
            swiftSettings: arithmetic),
        .target(
            name: "ApusPretraining",
            dependencies: [
                "ApusNN", "ApusCorpus", "ApusReport", .product(name: "Yams", package: "Yams"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            exclude: ["Export/onnx.proto"],
            swiftSettings: arithmetic),
        .target(
            name: "ApusProbing", dependencies: ["ApusPretraining", "ApusMetrics"],
            swiftSettings: arithmetic),
        .target(name: "ApusMetrics", swiftSettings: arithmetic),
        .target(
            name: "ApusReport",
            dependencies: [
                "ApusMetrics", "ApusSignal", "CPNG",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
                .product(name: "Mustache", package: "swift-mustache"),
            ],
            exclude: ["Events/event.proto"],
            swiftSettings: arithmetic),
        .executableTarget(
            name: "ApusCLI",
            dependencies: [
                "ApusProbing", "ApusReport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: ours),

        .executableTarget(
            name: "Features", dependencies: ["ApusSignal"], path: "samples/programs/Features",
            swiftSettings: ours),
        .executableTarget(
            name: "Augmentations", dependencies: ["ApusCorpus", "ApusReport"],
            path: "samples/programs/Augmentations", swiftSettings: ours),
        .executableTarget(
            name: "Similarity", dependencies: ["ApusProbing"],
            path: "samples/programs/Similarity", swiftSettings: ours),

        .executableTarget(
            name: "TrainingStep", dependencies: ["ApusPretraining"],
            path: "Tests/Benchmarks/TrainingStep", exclude: ["peer.py"], swiftSettings: ours),

        .executableTarget(
            name: "FrontEndSpeed",
            dependencies: ["ApusCorpus", "CSndfile", "CFFTW", "CSoxr"],
            path: "Tests/Benchmarks/FrontEndSpeed", exclude: ["peer.py"], swiftSettings: ours),

        .executableTarget(
            name: "PublishedModel", dependencies: ["ApusProbing"],
            path: "Tests/Benchmarks/PublishedModel", exclude: ["peer.py"], swiftSettings: ours),

        .executableTarget(
            name: "DetectionMetrics", dependencies: ["ApusMetrics"],
            path: "Tests/Benchmarks/DetectionMetrics", exclude: ["peer.py"], swiftSettings: ours),

        .executableTarget(
            name: "NeighbourSearch", dependencies: ["ApusProbing"],
            path: "Tests/Benchmarks/NeighbourSearch", exclude: ["peer.py"], swiftSettings: ours),

        .target(
            name: "TestSupport", dependencies: ["ApusTensor"], path: "Tests/TestSupport",
            swiftSettings: ours),
        tests("ApusSignal"),
        tests("ApusCorpus"),
        tests("ApusTensor"),
        tests("ApusNN"),
        tests("ApusPretraining"),
        tests("ApusProbing"),
        tests("ApusMetrics"),
        tests("ApusReport"),
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "ApusCLI", "ApusCorpus", "ApusNN", "ApusReport", "ApusSignal", "TestSupport",
            ],
            swiftSettings: ours),
        .testTarget(
            name: "RecipeTests",
            dependencies: [
                "ApusCLI", "ApusCorpus", "ApusPretraining", "ApusReport", "TestSupport",
            ],
            swiftSettings: ours),
    ],
    cxxLanguageStandard: .cxx20
)
