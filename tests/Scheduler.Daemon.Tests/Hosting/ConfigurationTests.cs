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
    public void A_file_is_read_over_what_is_set_already()
    {
        var settings = new DaemonSettings { Api = { GrpcPort = 9999 } };
        Assert.Empty(ConfigurationFile.Read("""
            kubernetes: {schedulerName: other, bindConcurrency: 8}
            scheduling:
              maxShareOfClusterPermille: 600
            leadership: {enabled: false}
            api: {httpPort: 9000}
            """, settings));
        Assert.Equal(("other", 8, 600, false, 9000, 9999), (settings.Kubernetes.SchedulerName, settings.Kubernetes.BindConcurrency,
            settings.Scheduling.MaxShareOfClusterPermille!.Value, settings.Leadership.Enabled, settings.Api.HttpPort, settings.Api.GrpcPort));
    }

    [Fact]
    public void Json_is_read_too()
    {
        var settings = new DaemonSettings();
        Assert.Empty(ConfigurationFile.Read("""{"api": {"reflection": false, "address": "0.0.0.0"}, "scheduling": {"maxShareOfClusterPermille": null}}""", settings));
        Assert.Equal(("0.0.0.0", false, (int?)null), (settings.Api.Address, settings.Api.Reflection, settings.Scheduling.MaxShareOfClusterPermille));
    }

    [Fact]
    public void Unknown_keys_and_wrong_types_are_all_named_at_once()
    {
        var errors = ConfigurationFile.Read("""
            kubernets: {}
            kubernetes: {listPagesize: 100, bindConcurrency: many}
            api: {reflection: yes, httpPort: [1]}
            leadership: 7
            """, new DaemonSettings());
        Assert.Equal(
        [
            "kubernets: there is no such section; there are kubernetes, scheduling, leadership, api",
            "kubernetes.listPagesize: there is no such key; did you mean listPageSize?",
            "kubernetes.bindConcurrency: 'many' is not a whole number",
            "api.reflection: 'yes' is not true or false",
            "api.httpPort: must be a single value",
            "leadership: must be a mapping of keys to values",
        ], errors);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("kubernetes:\n")]
    public void An_empty_file_or_section_changes_nothing(string text) => Assert.Empty(ConfigurationFile.Read(text, new DaemonSettings()));

    [Theory]
    [InlineData("a:\n\tb: 1\n", "line ")]
    [InlineData("a: [1\nb: 2\n", "the file is neither YAML nor JSON")]
    [InlineData("- a\n", "the file must be one mapping")]
    public void Text_that_is_no_configuration_is_one_error(string text, string beginning) =>
        Assert.StartsWith(beginning, Assert.Single(ConfigurationFile.Read(text, new DaemonSettings())), StringComparison.Ordinal);

    [Fact]
    public void A_kubeconfig_that_does_not_exist_is_one_clear_line()
    {
        var failure = Assert.Throws<StartupException>(() => DaemonHost.Build(new DaemonSettings { KubeconfigPath = "/nowhere/config" }));
        Assert.Equal("there is no kubeconfig at /nowhere/config", failure.Message);
    }

    [Fact]
    public void A_missing_configuration_file_is_one_clear_line()
    {
        var failure = Assert.Throws<StartupException>(() => ConfigurationFile.Load("/nowhere/weir.yaml", new DaemonSettings()));
        Assert.StartsWith("the configuration file /nowhere/weir.yaml cannot be read", failure.Message, StringComparison.Ordinal);
    }
}
