using Scheduler.Core.Forecast;
using Scheduler.Core.Model;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Forecast;

/// <summary>Forecasts learn from those before them.</summary>
public class ForecastCalibrationTests
{
    private static readonly TenantId Tenant = new("a");
    private static readonly StartForecast Hour = new(Make.Now.AddMinutes(50), Make.Now.AddMinutes(60), Make.Now.AddMinutes(70));

    private readonly ForecastCalibration _calibration = new();

    [Fact]
    public void Without_a_record_a_forecast_is_told_as_it_is()
    {
        Record(moments: ForecastCalibration.LeastMoments - 1, _ => 120);

        Assert.Equal(Hour, _calibration.Correct(Tenant, Make.Now, Hour));
    }

    [Fact]
    public void Who_always_waits_twice_as_long_is_told_twice_as_long()
    {
        Record(moments: 20, _ => 120);

        var told = _calibration.Correct(Tenant, Make.Now, Hour);

        Assert.InRange((told.P50!.Value - Make.Now).TotalMinutes, 118, 122);
        Assert.InRange((told.P10!.Value - Make.Now).TotalMinutes, 118, 122);
    }

    [Fact]
    public void The_interval_covers_four_of_five()
    {
        Record(moments: ForecastCalibration.Moments, moment => 30 + moment);

        var told = _calibration.Correct(Tenant, Make.Now, Hour);

        var covered = Enumerable.Range(0, ForecastCalibration.Moments).Count(moment => Make.Now.AddMinutes(30 + moment) is var start && told.P10 <= start && start <= told.P90);
        Assert.InRange(covered, 64 * 75 / 100, 64 * 88 / 100);
    }

    [Fact]
    public void A_wave_that_came_at_one_moment_counts_once()
    {
        Record(moments: 20, _ => 60);
        for (var workload = 0; workload < 500; workload++)
        {
            _calibration.Learn(Tenant, Make.Now.AddDays(-1), Shifted(Make.Now.AddDays(-1)), Make.Now.AddDays(-1).AddMinutes(300));
        }

        Assert.InRange((_calibration.Correct(Tenant, Make.Now, Hour).P50!.Value - Make.Now).TotalMinutes, 59, 61);
    }

    [Fact]
    public void A_tenant_without_a_record_of_its_own_is_judged_by_that_of_all()
    {
        Record(moments: 20, _ => 120);

        Assert.InRange((_calibration.Correct(new TenantId("b"), Make.Now, Hour).P50!.Value - Make.Now).TotalMinutes, 118, 122);
    }

    [Fact]
    public void A_tenant_with_a_record_of_its_own_is_judged_by_that_alone()
    {
        Record(moments: 20, _ => 120);
        Record(moments: 20, _ => 60, new TenantId("b"));

        Assert.InRange((_calibration.Correct(new TenantId("b"), Make.Now, Hour).P50!.Value - Make.Now).TotalMinutes, 59, 61);
        Assert.InRange((_calibration.Correct(Tenant, Make.Now, Hour).P50!.Value - Make.Now).TotalMinutes, 118, 122);
    }

    [Fact]
    public void What_is_unknown_stays_unknown()
    {
        Record(moments: 20, _ => 120);

        Assert.Equal(default, _calibration.Correct(Tenant, Make.Now, default));
        Assert.Null(_calibration.Correct(Tenant, Make.Now, Hour with { P90 = null }).P90);
    }

    private void Record(int moments, Func<int, int> minutes, TenantId? tenant = null)
    {
        for (var moment = 0; moment < moments; moment++)
        {
            var at = Make.Now.AddDays(moment - 100);
            _calibration.Learn(tenant ?? Tenant, at, Shifted(at), at.AddMinutes(minutes(moment)));
        }
    }

    private static StartForecast Shifted(DateTimeOffset at) => new(at.AddMinutes(50), at.AddMinutes(60), at.AddMinutes(70));
}
