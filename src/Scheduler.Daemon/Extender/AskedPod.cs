using System.Text.Json;
using Scheduler.Core.Model;

namespace Scheduler.Daemon.Extender;

/// <summary>
/// The pod that kube-scheduler asks about. Only who it is is read: what it says comes from Weir's own watch, which plans with it.
/// </summary>
/// <param name="Id">Its UID.</param>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
/// <param name="NominatedNode">The node that kube-scheduler tries first, alone; null for none.</param>
internal sealed record AskedPod(PodId Id, string Namespace, string Name, string? NominatedNode)
{
    /// <exception cref="BadExtenderRequestException">There is no pod, or it does not say which.</exception>
    public static AskedPod Of(JsonElement? json)
    {
        if (json is not { ValueKind: JsonValueKind.Object } pod)
            throw new BadExtenderRequestException("Pod is not there");
        return new AskedPod(new PodId(Meta(pod, "uid")), Meta(pod, "namespace"), Meta(pod, "name"), JsonText.Of(pod, "status", "nominatedNodeName"));
    }

    private static string Meta(JsonElement pod, string field) => JsonText.Of(pod, "metadata", field) is { Length: > 0 } text
        ? text
        : throw new BadExtenderRequestException($"Pod.metadata.{field} is not a text, or empty");
}
