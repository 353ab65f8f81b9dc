using Scheduler.Daemon.Hosting;

namespace Scheduler.Daemon.Tests.Hosting;

public class ConfigurationTests
{
    [Fact]
    public void The_defaults_are_valid() => Assert.Empty(DaemonConfiguration.FindErrors(new DaemonSettings()));

    [Fact]
    public void Every_value_out_of_range_is_named_with_its_path()
    {
        var settings = new DaemonSettings
        {
            Kubernetes = { ListPageSize = 1, SchedulerName = "" },
            Scheduling = { MaxCycleIntervalSeconds = 0 },
            Leadership = { LeaseDurationSeconds = 9, RenewDeadlineSeconds = 9, RetryPeriodSeconds = 9 },
            Api = { HttpPort = 70_000, GrpcPort = 70_000, Address = "localhost" },
        };
        var errors = DaemonConfiguration.FindErrors(settings);
        string[] paths =
        [
            "kubernetes.schedulerName", "kubernetes.listPageSize", "scheduling.maxCycleIntervalSeconds", "leadership.renewDeadlineSeconds",
            "leadership.retryPeriodSeconds", "api.httpPort", "api.grpcPort", "api.address",
        ];
        foreach (var path in paths)
            Assert.Contains(errors, error => error.StartsWith(path + ": ", StringComparison.Ordinal));
        Assert.Contains("kubernetes.listPageSize: must be between 50 and 5000.", errors);
        var failure = Assert.Throws<StartupException>(() => DaemonHost.Build(settings));
        Assert.Equal(errors.Count, failure.Message.Split('\n').Length);
    }

    [Fact]
    public void Options_of_the_telemetry_are_checked_and_reach_the_judgement_of_health()
    {
        var wrong = new DaemonSettings
        {
            Telemetry =
            {
                IntervalSeconds = 60, StaleSeconds = 60, TimeoutSeconds = 0, ExporterSelectors = ["app=x", " "], Targets = ["10.0.0.1:9400"],
                Xids = new Dictionary<string, string> { ["79"] = "burn: it", ["x"] = "note: r", ["31"] = "note", ["13"] = "note: fine" },
            },
        };
        Assert.Equal(
            [
                "telemetry.timeoutSeconds", "telemetry.exporterSelectors[1]", "telemetry.targets[0]", "telemetry.staleSeconds", "telemetry.xids",
                "telemetry.xids", "telemetry.xids",
            ],
            DaemonConfiguration.FindErrors(wrong).Select(error => error.Split(':')[0]));

        var policy = Scheduler.Daemon.Gpus.TelemetrySettings.Policy(new Scheduler.Daemon.Options.TelemetryOptions
        {
            HotCelsius = 80,
            CleanSeconds = 172_800,
            Xids = new Dictionary<string, string> { ["79"] = "node: the bus: gone", ["999"] = "device: new" },
        });
        Assert.Equal((80d, TimeSpan.FromDays(2), TimeSpan.FromDays(2)), (policy.HotCelsius, policy.CleanPeriod, policy.MaxCleanPeriod));
        Assert.Equal(new Scheduler.Telemetry.Health.XidRule(Scheduler.Telemetry.Health.FaultAction.DrainNode, "the bus: gone"), policy.Xids[79]);
        Assert.Equal(Scheduler.Telemetry.Health.FaultAction.QuarantineDevice, policy.Xids[999].Action);
        Assert.Equal(Scheduler.Telemetry.Health.FaultAction.Note, policy.Xids[31].Action);
    }

    [Fact]
    public void Options_of_the_policy_are_checked_and_reach_the_planner()
    {
        var settings = new DaemonSettings
        {
            Scheduling =
            {
                RestartCostSeconds = -1, ReservationsPerTenant = 101,
                TopologyLevels = ["zone", "zone", "", "d", "e", "f", "g", "h", "i"],
            },
        };
        Assert.Equal(
            ["scheduling.restartCostSeconds", "scheduling.reservationsPerTenant", "scheduling.topologyLevels", "scheduling.topologyLevels[1]", "scheduling.topologyLevels[2]"],
            DaemonConfiguration.FindErrors(settings).Select(error => error.Split(':')[0]));

        var policy = DaemonParts.Policy(new DaemonSettings
        {
            Scheduling =
            {
                RestartCostSeconds = 90, FairShareReclaim = false, ReservationsPerTenant = 3, TopologyLevels = ["zone", "rack"],
                BurstNodes = new Dictionary<string, string> { ["pool"] = "shared" },
            },
        });
        Assert.Equal((TimeSpan.FromSeconds(90), false, 3), (policy.RestartCost, policy.HasFairShareReclaim, policy.ReservationsPerTenant));
        Assert.Equal(["zone", "rack"], policy.TopologyLevels);
        Assert.Equal("shared", policy.BurstNodes["pool"]);
    }

    [Fact]
    public void A_kubeconfig_that_does_not_exist_is_one_clear_line()
    {
        var failure = Assert.Throws<StartupException>(() => DaemonHost.Build(new DaemonSettings { KubeconfigPath = "/nowhere/config" }));
        Assert.Equal("there is no kubeconfig at /nowhere/config", failure.Message);
    }
}
