using System.Diagnostics;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using Xunit;

namespace Scheduler.TestKit;

/// <summary>Applies manifests of this checkout as <c>kubectl apply --server-side</c> does, on machines that have no kubectl as well.</summary>
public static class Manifests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Applies a file, or the files of a folder by name, below <c>deploy/</c>; a custom resource may follow its definition at once.
    /// Returns what the server made of each document.
    /// </summary>
    public static async Task<IReadOnlyList<JsonNode>> ApplyAsync(ApiClient api, CancellationToken cancellationToken, params string[] path)
    {
        var target = Repository.PathOf(["deploy", .. path]);
        var files = Directory.Exists(target) ? Directory.EnumerateFiles(target, "*.yaml").Order(StringComparer.Ordinal) : Enumerable.Repeat(target, 1);
        var applied = new List<JsonNode>();
        foreach (var file in files.Where(file => Path.GetFileName(file) != "kustomization.yaml"))
        {
            foreach (var document in (await File.ReadAllTextAsync(file, cancellationToken)).Split("\n---\n"))
                applied.Add(await ApplyAsync(api, document, cancellationToken));
        }
        return applied;
    }

    private static async Task<JsonNode> ApplyAsync(ApiClient api, string document, CancellationToken cancellationToken)
    {
        var head = KubernetesYaml.Deserialize<Head>(document);
        var group = head.ApiVersion.Contains('/', StringComparison.Ordinal) ? $"/apis/{head.ApiVersion}" : $"/api/{head.ApiVersion}";
        var (plural, isNamespaced) = await FindAsync(api, group, head.Kind, cancellationToken);
        var space = isNamespaced ? $"/namespaces/{head.Metadata.NamespaceProperty}" : "";
        var answer = await api.PatchAsync(
            $"{group}{space}/{plural}/{head.Metadata.Name}?fieldManager=weir-tests&force=true", ApiClient.ApplyPatch, document, cancellationToken);
        return answer.Expect(200, 201).Body;
    }

    /// <summary>Looks a kind up in the server's discovery, and waits for one whose definition was applied a moment ago.</summary>
    private static async Task<(string Plural, bool IsNamespaced)> FindAsync(ApiClient api, string group, string kind, CancellationToken cancellationToken)
    {
        for (var clock = Stopwatch.StartNew(); ;)
        {
            var discovery = await api.GetAsync(group, cancellationToken);
            var found = discovery.Code == 200
                ? discovery.Body["resources"]!.AsArray().FirstOrDefault(item => item.TextAt("kind") == kind && !item.TextAt("name")!.Contains('/', StringComparison.Ordinal))
                : null;
            if (found is not null) return (found.TextAt("name")!, found.TextAt("namespaced") == "true");
            Assert.True(clock.Elapsed < Patience, $"{group} did not serve the kind {kind} within {Patience}: {discovery.Text}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
        }
    }

    /// <summary>What every document begins with.</summary>
    private sealed class Head
    {
        public string ApiVersion { get; set; } = "";
        public string Kind { get; set; } = "";
        public V1ObjectMeta Metadata { get; set; } = new();
    }
}
