using Scheduler.Telemetry.Health;
using Scheduler.Telemetry.Tests.Devices;
using Xunit;

namespace Scheduler.Telemetry.Tests.Health;

public class GpuHealthTests
{
    private const string Fine = "DCGM_FI_DEV_XID_ERRORS@0 0";
    private const string Hot = "DCGM_FI_DEV_GPU_TEMP@0 95";

    private static TimeSpan Minutes(double minutes) => TimeSpan.FromMinutes(minutes);

    [Fact]
    public void Xid_79_takes_the_device_out_within_one_scrape_and_it_comes_back_after_the_clean_period_and_probation()
    {
        var bench = new Bench().Scrape(Fine, "DCGM_FI_DEV_XID_ERRORS@1 0").Scrape("DCGM_FI_DEV_XID_ERRORS@0 79", "DCGM_FI_DEV_XID_ERRORS@1 0");
        Assert.Equal(["0 Healthy→Quarantined Xid79"], bench.Changes);
        Assert.Equal("XID 79: the device fell off the bus", bench.Health.Devices[0].Reason);
        Assert.Equal((false, true), (bench.Health.IsUsable(0), bench.Health.IsUsable(1)));

        // The XID sticks: it is the same fault, not a new one at each scrape.
        bench.ScrapeFor(Minutes(29.5), "DCGM_FI_DEV_XID_ERRORS@0 79");
        Assert.Equal(HealthState.Quarantined, bench[0]);
        bench.Scrape("DCGM_FI_DEV_XID_ERRORS@0 79");
        Assert.Equal((HealthState.Probation, true), (bench[0], bench.Health.IsUsable(0)));
        bench.ScrapeFor(Minutes(59.5), "DCGM_FI_DEV_XID_ERRORS@0 79");
        Assert.Equal(HealthState.Probation, bench[0]);
        bench.Scrape("DCGM_FI_DEV_XID_ERRORS@0 79");
        Assert.Equal(HealthState.Healthy, bench[0]);
        Assert.Contains("0 Probation→Healthy Clean", bench.Changes);
    }

    [Fact]
    public void What_was_written_down_goes_on_with_its_clean_time_anew_and_tells_no_change()
    {
        var before = new Bench().Scrape(Fine).Scrape("DCGM_FI_DEV_XID_ERRORS@0 79").ScrapeFor(Minutes(20), "DCGM_FI_DEV_XID_ERRORS@0 79");
        var after = new Bench();
        after.Health.Restore(after.Now, before.Health.Node, [(0, before.Health.UuidOf(0), before.Health.Devices[0]), (4096, "GPU-far", before.Health.Devices[0])]);
        Assert.Equal((HealthState.Quarantined, "Xid79", 1), (after[0], after.Health.Devices[0].Cause, after.Health.Devices[0].Offences));
        Assert.Single(after.Health.Devices);

        after.ScrapeFor(Minutes(29.5), "DCGM_FI_DEV_XID_ERRORS@0 79");
        Assert.Empty(after.Changes);
        after.Scrape("DCGM_FI_DEV_XID_ERRORS@0 79").Scrape("DCGM_FI_DEV_XID_ERRORS@0 79");
        Assert.Equal(["0 Quarantined→Probation Xid79"], after.Changes);
    }

    [Fact]
    public void What_is_not_written_down_any_more_is_healthy()
    {
        var bench = new Bench().Scrape(Fine);
        bench.Health.Quarantine(bench.Now, 0, "r");
        bench.Health.Quarantine(bench.Now, null, "r");
        bench.Health.Restore(bench.Now, null, []);
        Assert.Equal((HealthState.Healthy, HealthState.Healthy), (bench[0], bench.Health.Node.State));
    }

    [Fact]
    public void A_device_that_was_replaced_while_nobody_looked_begins_anew()
    {
        var bench = new Bench();
        bench.Health.Restore(bench.Now, null, [(0, "GPU-old", HealthMachine.Fault(HealthMachine.New(bench.Now), bench.Now, "Xid79", "r", isLasting: false, bench.Policy))]);
        bench.Scrape(Fine);
        Assert.Equal(["0 Quarantined→Healthy Replaced"], bench.Changes);
    }

    [Theory]
    [InlineData(13)]
    [InlineData(31)]
    [InlineData(43)]
    [InlineData(45)]
    [InlineData(68)]
    [InlineData(69)]
    [InlineData(999)]
    public void A_fault_of_a_program_is_noted_and_condemns_nothing(int code)
    {
        var bench = new Bench().Scrape(Fine).Scrape($"DCGM_FI_DEV_XID_ERRORS@0 {code}").ScrapeFor(Minutes(5), $"DCGM_FI_DEV_XID_ERRORS@0 {code}");
        Assert.Equal([$"0 Healthy→Healthy Xid{code}"], bench.Changes);
    }

    [Theory]
    [InlineData(48)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(74)]
    [InlineData(79)]
    [InlineData(92)]
    [InlineData(94)]
    [InlineData(95)]
    [InlineData(119)]
    [InlineData(120)]
    [InlineData(140)]
    [InlineData(143)]
    public void A_fault_of_the_device_quarantines_it(int code) =>
        Assert.Equal([$"0 Healthy→Quarantined Xid{code}"], new Bench().Scrape(Fine).Scrape($"DCGM_FI_DEV_XID_ERRORS@0 {code}").Changes);

    [Fact]
    public void An_xid_from_before_the_first_scrape_is_old()
    {
        var bench = new Bench().Scrape("DCGM_FI_DEV_XID_ERRORS@0 79").Scrape("DCGM_FI_DEV_XID_ERRORS@0 79");
        Assert.Empty(bench.Changes);
        Assert.Equal(["0 Healthy→Quarantined Xid74"], bench.Scrape("DCGM_FI_DEV_XID_ERRORS@0 74").Changes);
    }

    [Fact]
    public void A_change_across_scrapes_without_the_value_is_a_change() =>
        Assert.Equal(["0 Healthy→Quarantined Xid79"], new Bench().Scrape(Fine).Scrape("DCGM_FI_DEV_GPU_TEMP@0 50").Scrape("DCGM_FI_DEV_XID_ERRORS@0 79").Changes);

    [Fact]
    public void The_same_xid_again_shows_in_the_counts()
    {
        const string Sticky = "DCGM_FI_DEV_XID_ERRORS@0 79";
        static string Count(int count) => $"DCGM_EXP_XID_ERRORS_COUNT{{gpu=\"0\",UUID=\"GPU-0\",xid=\"79\"}} {count}";
        var bench = new Bench().Scrape(Sticky, Count(1)).Scrape(Sticky, Count(1));
        Assert.Empty(bench.Changes);
        Assert.Equal(["0 Healthy→Quarantined Xid79"], bench.Scrape(Sticky, Count(2)).Changes);
    }

    [Fact]
    public void A_fault_of_a_mig_instance_is_one_of_its_device()
    {
        static string Instance(int xid) => $"DCGM_FI_DEV_XID_ERRORS{{gpu=\"0\",UUID=\"GPU-0\",GPU_I_ID=\"7\"}} {xid}";
        Assert.Equal(["0 Healthy→Quarantined Xid94"], new Bench().Scrape(Fine, Instance(0)).Scrape(Fine, Instance(94)).Changes);
    }

    [Fact]
    public void A_code_that_drains_takes_the_device_and_its_node()
    {
        var policy = new HealthPolicy { Xids = XidTable.Standard.SetItem(95, new XidRule(FaultAction.DrainNode, "memory")) };
        var bench = new Bench(policy).Scrape(Fine, "DCGM_FI_DEV_XID_ERRORS@1 0").Scrape("DCGM_FI_DEV_XID_ERRORS@0 95", "DCGM_FI_DEV_XID_ERRORS@1 0");
        Assert.Equal(["0 Healthy→Quarantined Xid95", "node Healthy→Quarantined Xid95"], bench.Changes);
        Assert.Equal("device 0: XID 95: memory", bench.Health.Node.Reason);
        Assert.False(bench.Health.IsUsable(1));
        bench.ScrapeFor(Minutes(31), Fine, "DCGM_FI_DEV_XID_ERRORS@1 0");
        Assert.Equal((HealthState.Probation, true), (bench.Health.Node.State, bench.Health.IsUsable(1)));
    }

    [Fact]
    public void A_symptom_makes_a_suspect_that_gets_work_and_recovers()
    {
        var bench = new Bench().Scrape(Fine).Scrape(Hot);
        Assert.Equal((HealthState.Suspect, true), (bench[0], bench.Health.IsUsable(0)));
        bench.ScrapeFor(Minutes(9.5), Fine);
        Assert.Equal(HealthState.Suspect, bench[0]);
        bench.Scrape(Fine);
        Assert.Equal(["0 Healthy→Suspect Hot", "0 Suspect→Healthy Clean"], bench.Changes);
    }

    [Theory]
    [InlineData("DCGM_FI_DEV_THERMAL_VIOLATION@0", "Suspect ThermalThrottling")]
    [InlineData("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS@0", "Suspect RowRemapped")]
    [InlineData("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL@0", "Quarantined EccDoubleBit")]
    public void A_counter_counts_when_it_grows(string series, string expected)
    {
        var bench = new Bench().Scrape($"{series} 5").Scrape($"{series} 5").Scrape($"{series} 0");
        Assert.Empty(bench.Changes);
        Assert.Equal([$"0 Healthy→{expected}"], bench.Scrape($"{series} 1").Changes);
    }

    [Fact]
    public void Symptoms_without_a_break_are_a_fault_in_the_end()
    {
        var bench = new Bench().ScrapeFor(Minutes(60), Hot);
        Assert.Equal(HealthState.Suspect, bench[0]);
        bench.Scrape(Hot);
        Assert.Equal(["0 Healthy→Suspect Hot", "0 Suspect→Quarantined Hot"], bench.Changes);
        Assert.Equal("95 °C, 90 or more is hot, for 01:00:00 without a break", bench.Health.Devices[0].Reason);

        var broken = new Bench().ScrapeFor(Minutes(50), Hot).Scrape(Fine).ScrapeFor(Minutes(50), Hot);
        Assert.Equal(HealthState.Suspect, broken[0]);
        var silent = new Bench().ScrapeFor(Minutes(50), Hot).SilentFor(Minutes(30)).Scrape(Hot);
        Assert.Equal(HealthState.Suspect, silent[0]);
    }

    [Fact]
    public void A_fault_on_probation_leads_back_and_each_offence_doubles_the_clean_period()
    {
        var bench = new Bench().Scrape(Fine);
        foreach (var (xid, minutes) in new[] { (79, 30), (74, 60), (79, 120) })
        {
            bench.Scrape($"DCGM_FI_DEV_XID_ERRORS@0 {xid}").ScrapeFor(Minutes(minutes - 0.5), Fine);
            Assert.Equal(HealthState.Quarantined, bench[0]);
            bench.Scrape(Fine);
            Assert.Equal(HealthState.Probation, bench[0]);
        }

        Assert.Equal(3, bench.Health.Devices[0].Offences);
        Assert.Equal(TimeSpan.FromHours(24), HealthPolicy.Default.CleanPeriodAfter(1000));
        bench.ScrapeFor(Minutes(61) + TimeSpan.FromDays(7), Fine);
        Assert.Equal((HealthState.Healthy, 0), (bench[0], bench.Health.Devices[0].Offences));
    }

    [Fact]
    public void A_new_fault_in_quarantine_begins_the_clean_period_anew()
    {
        var bench = new Bench().Scrape(Fine).Scrape("DCGM_FI_DEV_XID_ERRORS@0 79").ScrapeFor(Minutes(20), Fine).Scrape("DCGM_FI_DEV_XID_ERRORS@0 74");
        Assert.Equal(("Xid74", 1), (bench.Health.Devices[0].Cause, bench.Health.Devices[0].Offences));
        bench.ScrapeFor(Minutes(29.5), Fine);
        Assert.Equal(HealthState.Quarantined, bench[0]);
        Assert.Equal(HealthState.Probation, bench.Scrape(Fine)[0]);
    }

    [Fact]
    public void A_failed_remap_holds_as_long_as_it_lasts_unless_an_operator_lets_it_pass()
    {
        const string Failed = "DCGM_FI_DEV_ROW_REMAP_FAILURE@0 1";
        var bench = new Bench().ScrapeFor(TimeSpan.FromDays(2), Failed);
        Assert.Equal(["0 Healthy→Quarantined RowRemapFailure"], bench.Changes);
        bench.Note(bench.Health.Release(bench.Now, 0, "vendor says it is fine")).ScrapeFor(Minutes(61), Failed);
        Assert.Equal(HealthState.Healthy, bench[0]);
        bench.Scrape("DCGM_FI_DEV_ROW_REMAP_FAILURE@0 0").Scrape(Failed);
        Assert.Equal(HealthState.Quarantined, bench[0]);
        bench.ScrapeFor(Minutes(61), "DCGM_FI_DEV_ROW_REMAP_FAILURE@0 0");
        Assert.Equal(HealthState.Probation, bench[0]);
    }

    [Fact]
    public void A_silent_exporter_changes_nothing_but_that_it_is_silent()
    {
        var bench = new Bench();
        Assert.True(bench.Health.IsSilent(bench.Now));
        bench.Scrape(Fine);
        Assert.False(bench.Health.IsSilent(bench.Now));
        bench.SilentFor(TimeSpan.FromDays(3));
        Assert.True(bench.Health.IsSilent(bench.Now));
        Assert.Empty(bench.Changes);
        Assert.True(bench.Health.IsUsable(0));
    }

    [Fact]
    public void Silence_is_not_recovery_but_ends_after_its_limit()
    {
        var bench = new Bench().Scrape(Fine).Scrape("DCGM_FI_DEV_XID_ERRORS@0 79").SilentFor(TimeSpan.FromHours(23));
        Assert.Equal(HealthState.Quarantined, bench[0]);
        bench.Scrape(Fine);
        Assert.Equal((HealthState.Quarantined, Minutes(1.5)), (bench[0], bench.Health.Devices[0].CleanFor));
        bench.SilentFor(TimeSpan.FromHours(24.1));
        Assert.Equal(HealthState.Probation, bench[0]);
        bench.SilentFor(TimeSpan.FromHours(24.1));
        Assert.Equal(HealthState.Healthy, bench[0]);
    }

    [Fact]
    public void A_device_that_whole_scrapes_do_not_show_any_more_is_lost()
    {
        const string Other = "DCGM_FI_DEV_XID_ERRORS@1 0";
        var bench = new Bench().Scrape(Fine, Other).Scrape(Other).Scrape(Other).Scrape(Fine, Other).Scrape(Other).Scrape(Other);
        Assert.Empty(bench.Changes);
        bench.Scrape(Other, "half a line").Scrape();
        Assert.Empty(bench.Changes);
        Assert.Equal(["0 Healthy→Quarantined Missing"], bench.Scrape(Other).Changes);
        bench.ScrapeFor(TimeSpan.FromDays(2), Other);
        Assert.Equal(HealthState.Quarantined, bench[0]);
        Assert.Equal(HealthState.Probation, bench.ScrapeFor(Minutes(31), Fine, Other)[0]);
    }

    [Fact]
    public void Another_device_in_its_place_begins_healthy_unless_an_operator_holds_it()
    {
        static string New(string uuid) => $"DCGM_FI_DEV_XID_ERRORS{{gpu=\"0\",UUID=\"{uuid}\"}} 48";
        var bench = new Bench().Scrape(Fine).Scrape("DCGM_FI_DEV_XID_ERRORS@0 79").Scrape(New("GPU-x"));
        Assert.Equal(["0 Healthy→Quarantined Xid79", "0 Quarantined→Healthy Replaced"], bench.Changes);
        bench.Note(bench.Health.Quarantine(bench.Now, 0, "test")).Scrape(New("GPU-y"));
        Assert.Equal(HealthState.Quarantined, bench[0]);
    }

    [Fact]
    public void What_an_operator_takes_out_stays_out_until_an_operator_lets_it_in()
    {
        var bench = new Bench().Scrape(Fine);
        bench.Note(bench.Health.Quarantine(bench.Now, 0, "cable")).Note(bench.Health.Quarantine(bench.Now, null, "rack"));
        bench.ScrapeFor(TimeSpan.FromDays(3), Fine).SilentFor(TimeSpan.FromDays(3)).ScrapeFor(Minutes(1), Fine);
        Assert.Equal((HealthState.Quarantined, "cable"), (bench[0], bench.Health.Devices[0].Reason));
        bench.Note(bench.Health.Release(bench.Now, null, "done"));
        Assert.False(bench.Health.IsUsable(0));
        bench.Note(bench.Health.Release(bench.Now, 0, "done"));
        Assert.True(bench.Health.IsUsable(0));
        Assert.Equal(["0 Healthy→Quarantined Operator", "node Healthy→Quarantined Operator", "node Quarantined→Probation Operator", "0 Quarantined→Probation Operator"], bench.Changes);
    }

    [Fact]
    public void A_node_that_only_rejects_pods_gets_no_more_after_three()
    {
        var bench = new Bench();
        bench.Note(bench.Health.PodRejected(bench.Now, "UnexpectedAdmissionError")).Note(bench.Health.PodRejected(bench.Now, "UnexpectedAdmissionError"));
        bench.Health.PodStarted();
        bench.Note(bench.Health.PodRejected(bench.Now, "UnexpectedAdmissionError")).Note(bench.Health.PodRejected(bench.Now, "UnexpectedAdmissionError"));
        bench.SilentFor(Minutes(11));
        bench.Note(bench.Health.PodRejected(bench.Now, "UnexpectedAdmissionError")).Note(bench.Health.PodRejected(bench.Now, "UnexpectedAdmissionError"));
        Assert.Empty(bench.Changes);
        bench.Note(bench.Health.PodRejected(bench.Now, "UnexpectedAdmissionError"));
        Assert.Equal(["node Healthy→Quarantined RejectsPods"], bench.Changes);
        Assert.Equal("it rejected 3 pods and started none, the last one with: UnexpectedAdmissionError", bench.Health.Node.Reason);
        Assert.False(bench.Health.IsUsable(0));
        bench.SilentFor(Minutes(31));
        Assert.Equal(HealthState.Probation, bench.Health.Node.State);
    }

    [Fact]
    public void A_device_without_a_number_or_with_one_too_large_has_no_state_and_is_counted()
    {
        var bench = new Bench(new HealthPolicy { MaxDevices = 2 }).Scrape(
            "DCGM_FI_DEV_GPU_TEMP@1 50", "DCGM_FI_DEV_GPU_TEMP@2 50", "DCGM_FI_DEV_GPU_TEMP{UUID=\"u\"} 50", "DCGM_FI_DEV_GPU_TEMP{gpu=\"1\",UUID=\"u2\"} 50");
        Assert.Equal([1], bench.Health.Devices.Keys);
        Assert.Equal(3, bench.Health.DevicesWithoutState);
        Assert.Throws<ArgumentOutOfRangeException>(() => bench.Health.Quarantine(bench.Now, 2, "no such device"));
    }

    [Fact]
    public void A_policy_that_cannot_be_is_refused_with_its_mistakes()
    {
        var policy = new HealthPolicy { CleanPeriod = TimeSpan.Zero, MissingScrapes = 0, HotCelsius = double.NaN, Xids = XidTable.Standard.SetItem(7, new XidRule(FaultAction.Note, " ")) };
        Assert.Equal(["CleanPeriod", "MissingScrapes", "HotCelsius", "Xids"], policy.Mistakes().Select(mistake => mistake.Split(':')[0]));
        Assert.Throws<ArgumentException>(() => new GpuHealth(policy, Bench.Start));
        Assert.Empty(HealthPolicy.Default.Mistakes());
        Assert.Empty(Readings.From("").Gpus);
    }
}
