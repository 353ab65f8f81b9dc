using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Access;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Api;

/// <summary>
/// Reviews of who may do what. The server itself listens on loopback only and trusts whoever reaches it. With tokens
/// (<see cref="SimulatedClusterOptions.Tokens"/>) it answers TokenReviews by them and SubjectAccessReviews by the roles that are stored;
/// without, everybody is known and may do everything.
/// </summary>
internal sealed class Reviews(ObjectService objects, IReadOnlyDictionary<string, SimulatedUser> tokens)
{
    private const string User = "weir-local";

    private readonly RoleRules _roles = new(objects);

    public async Task<bool> TryAnswerAsync(RequestContext request, RequestPath path)
    {
        Func<JsonObject, JsonObject>? fill = (path.Group, path.Plural) switch
        {
            ("authentication.k8s.io", "tokenreviews") => TokenReview,
            ("authentication.k8s.io", "selfsubjectreviews") => _ => new JsonObject { ["userInfo"] = Local() },
            ("authorization.k8s.io", "subjectaccessreviews") when tokens.Count > 0 => AccessReview,
            ("authorization.k8s.io", "subjectaccessreviews" or "selfsubjectaccessreviews" or "localsubjectaccessreviews") => _ =>
                new JsonObject { ["allowed"] = true, ["reason"] = "the simulated cluster allows everything on loopback" },
            ("authorization.k8s.io", "selfsubjectrulesreviews") => _ => Rules(),
            _ => null,
        };
        if (fill is null)
            return false;
        var review = await request.ReadObjectAsync();
        review["status"] = fill(review);
        review.Child("metadata");
        await request.AnswerAsync(201, review);
        return true;
    }

    private JsonObject TokenReview(JsonObject review)
    {
        if (tokens.Count == 0)
            return new JsonObject { ["authenticated"] = true, ["user"] = Local() };
        return tokens.TryGetValue(review["spec"]?["token"]?.ToString() ?? "", out var user)
            ? new JsonObject { ["authenticated"] = true, ["user"] = UserObject(user.Name, [.. user.Groups, "system:authenticated"]) }
            : new JsonObject { ["authenticated"] = false, ["error"] = "nobody holds this token" };
    }

    private JsonObject AccessReview(JsonObject review)
    {
        var spec = review["spec"];
        var asked = spec?["resourceAttributes"];
        var groups = (spec?["groups"] as JsonArray)?.Select(group => group?.ToString() ?? "").ToArray() ?? [];
        var isAllowed = asked is not null && _roles.IsAllowed(
            spec?["user"]?.ToString() ?? "", groups, Text("group"), Text("resource"), Text("verb"), Text("name"), Text("namespace"));
        return new JsonObject { ["allowed"] = isAllowed };

        string Text(string name) => asked![name]?.ToString() ?? "";
    }

    private static JsonObject Local() => UserObject(User, ["system:masters", "system:authenticated"]);

    private static JsonObject UserObject(string name, IEnumerable<string> groups) =>
        new() { ["username"] = name, ["groups"] = new JsonArray([.. groups.Select(group => JsonValue.Create(group))]) };

    private static JsonObject Rules() => new()
    {
        ["incomplete"] = false,
        ["nonResourceRules"] = new JsonArray(new JsonObject { ["verbs"] = new JsonArray("*"), ["nonResourceURLs"] = new JsonArray("*") }),
        ["resourceRules"] = new JsonArray(new JsonObject { ["verbs"] = new JsonArray("*"), ["apiGroups"] = new JsonArray("*"), ["resources"] = new JsonArray("*") }),
    };
}
