namespace Scheduler.SimulatedCluster.Exporters;

/// <summary>A pod on a device, as its exporter tells.</summary>
internal sealed record DeviceHolder(string Namespace, string Pod, string Container, double Level);

/// <summary>A device, or a MIG instance of one, with the pods on it.</summary>
internal sealed class SimulatedDevice(int index, string migProfile, string migId, int memoryMebibytes)
{
    public int Index => index;

    /// <summary>Empty for the device itself.</summary>
    public string MigProfile => migProfile;

    public string MigId => migId;

    public int MemoryMebibytes => memoryMebibytes;

    public List<DeviceHolder> Holders { get; } = [];

    /// <summary>How busy all pods together keep it, 0 to 1.</summary>
    public double Level => Math.Min(1, Holders.Sum(holder => holder.Level));
}
