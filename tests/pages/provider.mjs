// A sign-in service that demands PKCE (RFC 7636, S256), with accounts that are made up by whoever signs in.
// Arguments: the address it sends browsers back to. It prints its issuer once it listens.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const [back] = process.argv.slice(2);
const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: "office", client_secret: "a secret of the office", redirect_uris: [back] }],
    pkce: { required: () => true },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    cookies: { keys: ["a key of the cookies"] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id.replace("unverified-", "")}@example.org`, email_verified: !id.startsWith("unverified-") }),
    }),
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
