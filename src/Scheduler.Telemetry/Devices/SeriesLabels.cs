using System.Buffers.Text;
using System.Text;
using Scheduler.Telemetry.Exposition;

namespace Scheduler.Telemetry.Devices;

/// <summary>
/// The labels of one series that Weir knows. Names are compared without regard to case: exporters have written
/// <c>Hostname</c> and <c>hostname</c>. A Prometheus that keeps its own labels puts <c>exported_</c> before the exporter's.
/// </summary>
internal ref struct SeriesLabels
{
    public ReadOnlySpan<byte> Gpu, Uuid, PciBusId, Device, Model, MigProfile, MigInstance, Host, Xid;
    public ReadOnlySpan<byte> Namespace, Pod, Container, PodUid, VirtualGpu;
    public ReadOnlySpan<byte> ExportedNamespace, ExportedPod, ExportedContainer;
    public bool HasExported;

    /// <summary>The longest value among those that are known.</summary>
    public int Longest;

    public static SeriesLabels Read(ExpositionLabels labels)
    {
        var known = default(SeriesLabels);
        foreach (var label in labels)
        {
            known.Take(label.Name, label.Value);
        }

        return known;
    }

    /// <summary>The device's number: label gpu, else the digits at the end of label device.</summary>
    public readonly int? Index
    {
        get
        {
            if (TryNumber(Gpu, out var number))
            {
                return number;
            }

            return Device.StartsWith("nvidia"u8) && TryNumber(Device[6..], out number) ? number : null;
        }
    }

    public static bool TryNumber(ReadOnlySpan<byte> text, out int number) =>
        Utf8Parser.TryParse(text, out number, out var used) && used == text.Length && number >= 0 && LabelText.IsDigit(text[0]);

    private void Take(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        // By length first: a series has a dozen labels, and most of the time is spent here.
        switch (name.Length)
        {
            case 3 when Is(name, "gpu"u8): Gpu = value; break;
            case 3 when Is(name, "pod"u8): Pod = value; break;
            case 3 when Is(name, "xid"u8): Xid = value; break;
            case 4 when Is(name, "UUID"u8): Uuid = value; break;
            case 4 when Is(name, "vgpu"u8): VirtualGpu = value; break;
            case 6 when Is(name, "device"u8): Device = value; break;
            case 7 when Is(name, "pod_uid"u8): PodUid = value; break;
            case 8 when Is(name, "Hostname"u8): Host = value; break;
            case 8 when Is(name, "GPU_I_ID"u8): MigInstance = value; break;
            case 9 when Is(name, "modelName"u8): Model = value; break;
            case 9 when Is(name, "namespace"u8): Namespace = value; break;
            case 9 when Is(name, "container"u8): Container = value; break;
            case 10 when Is(name, "model_name"u8): Model = value; break;
            case 10 when Is(name, "pci_bus_id"u8): PciBusId = value; break;
            case 12 when Is(name, "exported_pod"u8): ExportedPod = value; HasExported = true; break;
            case 13 when Is(name, "GPU_I_PROFILE"u8): MigProfile = value; break;
            case 18 when Is(name, "exported_namespace"u8): ExportedNamespace = value; HasExported = true; break;
            case 18 when Is(name, "exported_container"u8): ExportedContainer = value; HasExported = true; break;
            default: return;
        }

        Longest = Math.Max(Longest, value.Length);
    }

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> known) => name.SequenceEqual(known) || Ascii.EqualsIgnoreCase(name, known);
}
