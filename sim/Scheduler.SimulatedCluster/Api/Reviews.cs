using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.SimulatedCluster.Api;

/// <summary>Reviews of who may do what. The server listens on loopback only and trusts whoever reaches it.</summary>
internal static class Reviews
{
    private const string User = "weir-local";

    public static async Task<bool> TryAnswerAsync(RequestContext request, RequestPath path)
    {
        var fill = (path.Group, path.Plural) switch
        {
            ("authentication.k8s.io", "tokenreviews") => Authenticated(),
            ("authentication.k8s.io", "selfsubjectreviews") => new JsonObject { ["userInfo"] = UserObject() },
            ("authorization.k8s.io", "subjectaccessreviews" or "selfsubjectaccessreviews" or "localsubjectaccessreviews") =>
                new JsonObject { ["allowed"] = true, ["reason"] = "the simulated cluster allows everything on loopback" },
            ("authorization.k8s.io", "selfsubjectrulesreviews") => Rules(),
            _ => null,
        };
        if (fill is null)
            return false;
        var review = await request.ReadObjectAsync();
        review["status"] = fill;
        review.Child("metadata");
        await request.AnswerAsync(201, review);
        return true;
    }

    private static JsonObject UserObject() => new() { ["username"] = User, ["groups"] = new JsonArray("system:masters", "system:authenticated") };

    private static JsonObject Authenticated() => new() { ["authenticated"] = true, ["user"] = UserObject() };

    private static JsonObject Rules() => new()
    {
        ["incomplete"] = false,
        ["nonResourceRules"] = new JsonArray(new JsonObject { ["verbs"] = new JsonArray("*"), ["nonResourceURLs"] = new JsonArray("*") }),
        ["resourceRules"] = new JsonArray(new JsonObject { ["verbs"] = new JsonArray("*"), ["apiGroups"] = new JsonArray("*"), ["resources"] = new JsonArray("*") }),
    };
}
