import ApusTensor
import Testing

@Suite struct ProcessPlaceTests {
    private func place(_ environment: [String: String]) throws -> ProcessPlace {
        try #require(try ProcessPlace(environment: environment))
    }

    private func problem(_ environment: [String: String]) -> String? {
        do {
            _ = try ProcessPlace(environment: environment)
            return nil
        } catch {
            guard case .badEnvironment(let problem) = error else { return nil }
            return problem
        }
    }

    private let torchrun = [
        "RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "node-a", "MASTER_PORT": "29400",
    ]

    @Test func nothingIsOneProcess() throws {
        #expect(try ProcessPlace(environment: ["HOME": "/root", "MASTER_ADDR": "x"]) == nil)
        #expect(try ProcessPlace(environment: ["RANK": "0", "WORLD_SIZE": "1"]) == nil)
        #expect(try ProcessPlace(environment: ["RANK": "", "WORLD_SIZE": ""]) == nil)
    }

    @Test func torchrunsVariables() throws {
        let found = try place(torchrun)
        #expect(
            found
                == ProcessPlace(
                    rank: 3, count: 4, localRank: 1, localCount: 2, host: "node-a", port: 29400))
        #expect(found.rankZeroServes)
        let agent = try place(
            torchrun.merging(
                ["TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "2"]
            ) { $1 })
        #expect(!agent.rankZeroServes)
        #expect(agent.prefix == "/apus/2")
    }

    @Test func slurmsVariables() throws {
        let step = [
            "SLURM_PROCID": "5", "SLURM_NTASKS": "7", "SLURM_LOCALID": "1", "SLURM_NODEID": "2",
            "SLURM_TASKS_PER_NODE": "2(x3),1", "SLURM_JOB_NODELIST": "gpu[03-05,09]-b,login",
            "SLURM_JOB_ID": "1234", "SLURM_STEP_ID": "0",
        ]
        let found = try place(step)
        #expect(found.rank == 5 && found.count == 7)
        #expect(found.localRank == 1 && found.localCount == 2)
        #expect(found.host == "gpu03-b")
        #expect(found.starter == .slurm)
        // Every task of a step names the same port, and another step another one.
        #expect(
            try place(
                step.merging(["SLURM_PROCID": "6", "SLURM_LOCALID": "0", "SLURM_NODEID": "3"]) {
                    $1
                }
            ).port == found.port)
        #expect(try place(step.merging(["SLURM_STEP_ID": "1"]) { $1 }).port != found.port)
        #expect(
            try place(step.merging(["MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "5000"]) { $1 }).host
                == "10.0.0.1")
    }

    @Test(arguments: [
        ("node7", "node7"), ("node[7-9]", "node7"), ("a,b", "a"), ("n[08,10-12],x[1-2]", "n08"),
        ("r1n[1-2]c[3-4]", "r1n1c"),
    ])
    func theFirstOfSlurmsNodes(list: String, first: String) throws {
        let found = try place([
            "SLURM_PROCID": "0", "SLURM_NTASKS": "2", "SLURM_STEP_ID": "0",
            "SLURM_JOB_NODELIST": list,
        ])
        #expect(found.host.hasPrefix(first))
    }

    @Test func aStepsOwnNumbersCountBeforeTheJobs() throws {
        let found = try place([
            "SLURM_PROCID": "1", "SLURM_NTASKS": "8", "SLURM_STEP_NUM_TASKS": "2",
            "SLURM_STEP_ID": "3", "SLURM_JOB_NODELIST": "a,b", "SLURM_STEP_NODELIST": "b",
        ])
        #expect(found.count == 2)
        #expect(found.host == "b")
    }

    @Test func slurmWithoutTasksIsOneProcess() throws {
        // A batch script, and a shell in an allocation.
        #expect(try ProcessPlace(environment: ["SLURM_PROCID": "0", "SLURM_JOB_ID": "7"]) == nil)
        #expect(try ProcessPlace(environment: ["SLURM_NTASKS": "8", "SLURM_JOB_ID": "7"]) == nil)
    }

    @Test func openMPIsVariables() throws {
        let found = try place([
            "OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2",
            "OMPI_COMM_WORLD_LOCAL_RANK": "1", "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
        ])
        #expect(found.rank == 1 && found.localRank == 1 && found.host == "127.0.0.1")
        #expect(found.starter == .openMPI)
        let several = [
            "OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2",
            "OMPI_COMM_WORLD_LOCAL_RANK": "0", "OMPI_COMM_WORLD_LOCAL_SIZE": "1",
        ]
        #expect(problem(several)?.contains("MASTER_ADDR") == true)
        #expect(try place(several.merging(["MASTER_ADDR": "h"]) { $1 }).host == "h")
    }

    @Test func theInnermostStarterCounts() throws {
        // One torchrun for each task of Slurm, of two workers each.
        let nested = torchrun.merging([
            "SLURM_PROCID": "1", "SLURM_NTASKS": "2", "SLURM_STEP_ID": "0",
            "SLURM_STEP_NUM_TASKS": "2",
        ]) { $1 }
        #expect(try place(nested).rank == 3)
    }

    @Test(arguments: [
        (["RANK": "0"], "WORLD_SIZE"), (["WORLD_SIZE": "2"], "RANK"),
        (["RANK": "2", "WORLD_SIZE": "2"], "RANK is 2"),
        (["RANK": "x", "WORLD_SIZE": "2"], "'x'"), (["RANK": "-1", "WORLD_SIZE": "2"], "'-1'"),
        (["RANK": "0", "WORLD_SIZE": "0"], "WORLD_SIZE is 0"),
        (["RANK": "0", "WORLD_SIZE": "2"], "MASTER_ADDR"),
        (["RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "h"], "MASTER_PORT"),
        (["RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "h", "MASTER_PORT": "0"], "65535"),
        (["RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "h", "MASTER_PORT": "99999"], "65535"),
        (["RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "1"], "LOCAL_RANK"),
        (["RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "1"], "LOCAL"),
        (["RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "3"], "LOCAL"),
        (["OMPI_COMM_WORLD_RANK": "1"], "OMPI_COMM_WORLD_SIZE"),
        (["SLURM_PROCID": "1"], "SLURM_NTASKS"),
        (["SLURM_PROCID": "4", "SLURM_NTASKS": "4"], "SLURM_PROCID is 4"),
        (
            ["SLURM_PROCID": "1", "SLURM_NTASKS": "4", "SLURM_STEP_ID": "0"],
            "SLURM_JOB_NODELIST"
        ),
        // A batch script's own variables, as Slurm 22.05 sets them for two tasks.
        (
            [
                "SLURM_PROCID": "0", "SLURM_NTASKS": "2", "SLURM_LOCALID": "0",
                "SLURM_NODEID": "0", "SLURM_JOB_NODELIST": "node1", "SLURM_JOB_ID": "9",
            ], "put srun before the command"
        ),
        (
            [
                "RANK": "0", "WORLD_SIZE": "1", "SLURM_PROCID": "1", "SLURM_STEP_ID": "0",
                "SLURM_STEP_NUM_TASKS": "4",
            ], "SLURM_STEP_NUM_TASKS"
        ),
        (
            ["RANK": "0", "WORLD_SIZE": "1", "OMPI_COMM_WORLD_SIZE": "2"], "OMPI_COMM_WORLD_SIZE"
        ),
    ])
    func halfAPlaceIsAnError(environment: [String: String], names: String) throws {
        let found = try #require(problem(environment))
        #expect(found.contains(names), "\(found)")
    }
}
