namespace Scheduler.TestKit;

/// <summary>The service account of <c>deploy/base/rbac.yaml</c>: whoever comes with its token has the rights of that file and no other.</summary>
public static class DaemonAccount
{
    private const string TokenPath = "/api/v1/namespaces/weir-system/serviceaccounts/weir/token";

    /// <summary>The API server as the service account sees it. The account must have been applied.</summary>
    public static async Task<ApiEndpoint> SignInAsync(ControlPlane plane, CancellationToken cancellationToken)
    {
        using var admin = new ApiClient(plane.Endpoint);
        const string Request = """{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"audiences":["https://kubernetes.default.svc"],"expirationSeconds":3600}}""";
        var answer = (await admin.PostAsync(TokenPath, Request, cancellationToken)).Expect(201);
        return plane.Endpoint with { Token = answer.TextAt("status.token")! };
    }
}
