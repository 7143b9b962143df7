/**
 * Lines that mend the server of a volume: those of the server that answers, or of nginx and Caddy where it hides.
 *
 * Words in capitals stand for what only its keeper knows.
 */
import type { DoctorMend } from "./_doctor_check.ts";
import type { ServedBucket, ServedPlace } from "./_doctor_address.ts";

/** What is to be mended. */
export type Need =
  /** Pages of others may read, and ask for ranges: also where an answer is an error. */
  | "cors"
  /** Parts of files. */
  | "ranges"
  /** The length of a file, without its bytes. */
  | "length"
  /** What is not there is answered with 404, and with no page. */
  | "not found"
  /** What is not there is answered with 404, and not with 403. */
  | "not forbidden"
  /** Everybody may read. */
  | "public"
  /** https. */
  | "tls"
  /** A Content-Encoding that is said of what browsers must not decode. */
  | "no encoding"
  /** A Content-Encoding that is not said. */
  | "say gzip"
  /** Files that end with `.gz`, asked for without it. */
  | "gz files";

/** Who answers, and what for. */
export interface Mendable {
  readonly place: ServedPlace;
  /** Of any of its answers. */
  readonly headers: Headers;
  /** Whether parts of files are needed. */
  readonly isSharded: boolean;
}

type Server = "nginx" | "Caddy" | "Apache" | "S3" | "Google" | "python";

/** Names of chunks of a precomputed volume, for a server that treats them apart. */
const CHUNK = "\\d+-\\d+_\\d+-\\d+_\\d+-\\d+$";

const EXPOSED = "Content-Length, Content-Range, Accept-Ranges, ETag";

/** Who answers, as far as it says; undefined where nobody knows. */
function serverOf({ place, headers }: Mendable): Server | undefined {
  if (place.bucket !== undefined) return place.bucket.scheme === "gs" ? "Google" : "S3";
  const name = headers.get("server") ?? "";
  if (/nginx|openresty/i.test(name)) return "nginx";
  if (/caddy/i.test(name)) return "Caddy";
  if (/apache/i.test(name)) return "Apache";
  if (/python|simplehttp/i.test(name)) return "python";
  if (/amazons3|minio/i.test(name) || headers.has("x-amz-request-id")) return "S3";
  if (/uploadserver/i.test(name) || headers.has("x-goog-generation")) return "Google";
  return undefined;
}

/** How a server names itself, for people. */
export function nameServer(headers: Headers): string | undefined {
  return headers.get("server") ?? (headers.has("x-amz-request-id") ? "S3" : undefined);
}

/** Lines for a need; none where no server can be told what to do. */
export function mendServer(need: Need, at: Mendable): DoctorMend[] {
  const server = serverOf(at);
  const servers: readonly Server[] = server === undefined ? ["nginx", "Caddy"] : [server];
  return servers.flatMap((name) => {
    const lines = LINES[name](need, at);
    if (lines !== undefined) return [{ where: WHERE[name], lines }];
    // What Python's server cannot be taught, another is.
    return name === "python" ? [{ where: "Caddyfile, in its place", lines: caddy(need, at) }] : [];
  });
}

const WHERE: Readonly<Record<Server, string>> = {
  nginx: "nginx, in the location of the volume",
  Caddy: "Caddyfile, in the site of the volume",
  Apache: "Apache, in the <Directory> of the volume",
  S3: "shell",
  Google: "shell",
  python: "shell, in the folder that is served",
};

const LINES: Readonly<Record<Server, (need: Need, at: Mendable) => string | undefined>> = {
  nginx,
  Caddy: caddy,
  Apache: apache,
  S3: s3,
  Google: google,
  python,
};

function nginx(need: Need, { place: { url } }: Mendable): string {
  switch (need) {
    case "cors":
      return [
        `add_header Access-Control-Allow-Origin "*" always;`,
        `add_header Access-Control-Allow-Methods "GET, HEAD, OPTIONS" always;`,
        `add_header Access-Control-Allow-Headers "Range" always;`,
        `add_header Access-Control-Expose-Headers "${EXPOSED}" always;`,
        `if ($request_method = OPTIONS) { return 204; }`,
      ].join("\n");
    case "ranges":
      return "gzip off; max_ranges 1; proxy_force_ranges on;";
    case "length":
    case "no encoding":
      return "gzip off; gzip_static off; proxy_hide_header Content-Encoding;";
    case "not found":
      return "try_files $uri =404;";
    case "not forbidden":
      return [
        "proxy_intercept_errors on; error_page 403 =404 @none;",
        `# beside the location: location @none { add_header Access-Control-Allow-Origin "*" always; return 404; }`,
      ].join("\n");
    case "public":
      return "# everybody may then read the volume:\nauth_basic off; allow all;";
    case "tls":
      return [
        "# in the server:",
        `listen 443 ssl; server_name ${url.hostname};`,
        "ssl_certificate CERTIFICATE.pem; ssl_certificate_key KEY.pem;",
      ].join("\n");
    case "say gzip":
      return [
        "# beside the location:",
        `location ~ "/${CHUNK}" {`,
        "  gzip off; add_header Content-Encoding gzip;",
        `  add_header Access-Control-Allow-Origin "*" always;`,
        "}",
      ].join("\n");
    case "gz files":
      return "gzip_static always; gunzip on;";
    default:
      return need satisfies never;
  }
}

function caddy(need: Need, { place: { url } }: Mendable): string {
  switch (need) {
    case "cors":
      return [
        "header {",
        `  Access-Control-Allow-Origin "*"`,
        `  Access-Control-Allow-Methods "GET, HEAD, OPTIONS"`,
        `  Access-Control-Allow-Headers "Range"`,
        `  Access-Control-Expose-Headers "${EXPOSED}"`,
        "}",
        "@preflight method OPTIONS",
        "respond @preflight 204",
      ].join("\n");
    case "ranges":
    case "length":
    case "no encoding":
      return "file_server # and no `encode` for the volume, nor `precompressed`";
    case "not found":
      return "file_server # and no `try_files … /index.html` for the volume";
    case "not forbidden":
      return [
        "# in the reverse_proxy of the bucket:",
        "@denied status 403",
        "handle_response @denied {",
        "  respond 404",
        "}",
      ].join("\n");
    case "public":
      return "# everybody may then read the volume:\nfile_server # and no `basic_auth`; let the user of Caddy read its files";
    case "tls":
      return `${url.hostname} { # a name without http:// gets its certificate by itself\n  root * /DATA\n  file_server\n}`;
    case "say gzip":
      return `@chunk path_regexp ${CHUNK}\nheader @chunk Content-Encoding gzip`;
    case "gz files":
      return [
        `@chunk path_regexp ${CHUNK}`,
        "header @chunk Content-Encoding gzip",
        "rewrite @chunk {path}.gz",
      ].join("\n");
    default:
      return need satisfies never;
  }
}

function apache(need: Need, { place: { url } }: Mendable): string {
  switch (need) {
    case "cors":
      return [
        `Header always set Access-Control-Allow-Origin "*"`,
        `Header always set Access-Control-Allow-Methods "GET, HEAD, OPTIONS"`,
        `Header always set Access-Control-Allow-Headers "Range"`,
        `Header always set Access-Control-Expose-Headers "${EXPOSED}"`,
        "RewriteEngine On",
        "RewriteCond %{REQUEST_METHOD} OPTIONS",
        "RewriteRule ^ - [R=204,L]",
      ].join("\n");
    case "ranges":
    case "length":
      return "SetEnv no-gzip 1\nMaxRanges default";
    case "no encoding":
      return "SetEnv no-gzip 1\nRemoveEncoding .gz .tgz\nHeader unset Content-Encoding";
    case "not found":
      return "FallbackResource disabled";
    case "not forbidden":
      return [
        "RewriteEngine On",
        "RewriteCond %{REQUEST_FILENAME} !-f",
        "RewriteRule ^ - [R=404,L]",
      ].join("\n");
    case "public":
      return "# everybody may then read the volume:\nRequire all granted";
    case "tls":
      return [
        "# in the <VirtualHost *:443>:",
        `ServerName ${url.hostname}`,
        "SSLEngine on",
        "SSLCertificateFile CERTIFICATE.pem",
        "SSLCertificateKeyFile KEY.pem",
      ].join("\n");
    case "say gzip":
      return `<FilesMatch "^${CHUNK}">\n  Header set Content-Encoding gzip\n</FilesMatch>`;
    case "gz files":
      return [
        "RewriteEngine On",
        "RewriteCond %{REQUEST_FILENAME}.gz -f",
        "RewriteRule ^(.*)$ $1.gz [L]",
        "AddEncoding gzip .gz",
      ].join("\n");
    default:
      return need satisfies never;
  }
}

/** Rules of CORS as `aws s3api` and as MinIO's and Ceph's own commands take them. */
const S3_CORS = JSON.stringify({
  CORSRules: [{
    AllowedOrigins: ["*"],
    AllowedMethods: ["GET", "HEAD"],
    AllowedHeaders: ["*"],
    ExposeHeaders: EXPOSED.split(", "),
    MaxAgeSeconds: 3600,
  }],
});

function s3(need: Need, { place }: Mendable): string | undefined {
  const { name = "BUCKET", prefix = "PREFIX", endpoint } = place.bucket ?? {};
  const at = endpoint === undefined
    ? place.bucket === undefined ? ` --endpoint-url ${place.url.origin}` : ""
    : ` --endpoint-url ${endpoint}`;
  const folder = `s3://${name}${prefix === "" ? "" : `/${prefix}`}`;
  const copy =
    `aws s3 cp${at} ${folder} ${folder} --recursive --exclude '*info' --exclude '*.json' --exclude '*/.z*' --metadata-directive REPLACE --content-type application/octet-stream`;
  switch (need) {
    case "cors":
      return `# in the place of the rules that are there:\naws s3api put-bucket-cors${at} --bucket ${name} --cors-configuration '${S3_CORS}'`;
    case "not found":
      return "# give viewers the address of the bucket itself, not that of its website";
    case "not forbidden":
    case "public":
      return `# everybody may then read what lies there, and list the bucket; in the place of the policy that is there:\naws s3api put-bucket-policy${at} --bucket ${name} --policy '${
        readPolicy({ name, prefix })
      }'`;
    case "tls":
      return `# give viewers ${place.url.href.replace(/^http:/, "https:").replace(/\?.*/, "")}`;
    case "no encoding":
      return copy;
    case "say gzip":
      return `${copy} --content-encoding gzip`;
    // S3 has ranges, so somebody between takes them away.
    case "ranges":
      return `# give viewers the address of the bucket itself, or let what stands before it pass on the header Range`;
    // What lies there compressed is to be written anew.
    case "length":
    case "gz files":
      return undefined;
    default:
      return need satisfies never;
  }
}

/** Everybody may read; who may list is told 404, not 403, of what is not there. */
function readPolicy({ name, prefix }: Pick<ServedBucket, "name" | "prefix">): string {
  const below = prefix === "" ? "" : `${prefix}/`;
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: "*",
        Action: "s3:GetObject",
        Resource: `arn:aws:s3:::${name}/${below}*`,
      },
      {
        Effect: "Allow",
        Principal: "*",
        Action: "s3:ListBucket",
        Resource: `arn:aws:s3:::${name}`,
      },
    ],
  });
}

function google(need: Need, { place }: Mendable): string | undefined {
  const { name = "BUCKET", prefix = "PREFIX" } = place.bucket ?? {};
  const folder = `gs://${name}${prefix === "" ? "" : `/${prefix}`}`;
  switch (need) {
    case "cors":
      return `echo '${
        JSON.stringify([{
          origin: ["*"],
          method: ["GET", "HEAD"],
          responseHeader: ["Range", "Content-Type", ...EXPOSED.split(", ")],
          maxAgeSeconds: 3600,
        }])
      }' > cors.json\n# in the place of the rules that are there:\ngcloud storage buckets update gs://${name} --cors-file=cors.json`;
    case "not found":
      return "# give viewers the address of the bucket itself, not that of its website";
    case "not forbidden":
    case "public":
      return `# everybody may then read and list the whole bucket:\ngcloud storage buckets add-iam-policy-binding gs://${name} --member=allUsers --role=roles/storage.objectViewer`;
    case "tls":
      return `# give viewers ${place.url.href.replace(/^http:/, "https:").replace(/\?.*/, "")}`;
    case "no encoding":
      return `gcloud storage objects update '${folder}/**' --clear-content-encoding`;
    case "say gzip":
      return `gcloud storage objects update '${folder}/**' --content-encoding=gzip`;
    // What lies there compressed is to be written anew.
    case "ranges":
    case "length":
    case "gz files":
      return undefined;
    default:
      return need satisfies never;
  }
}

/** What comes with Python knows neither CORS nor ranges; the first can be taught in one line. */
function python(need: Need, { place: { url }, isSharded }: Mendable): string | undefined {
  const port = url.port === "" ? "80" : url.port;
  switch (need) {
    case "cors":
      return isSharded
        ? insteadOfPython(port)
        : `python3 -c 'import http.server as h; H = h.SimpleHTTPRequestHandler; end = H.end_headers; H.end_headers = lambda s: (s.send_header("Access-Control-Allow-Origin", "*"), s.send_header("Access-Control-Allow-Headers", "Range"), end(s)); H.do_OPTIONS = lambda s: (s.send_response(204), s.end_headers()); h.test(H, port=${port})'`;
    case "ranges":
      return insteadOfPython(port);
    case "public":
      return "# everybody on this machine may then read the volume:\nchmod -R a+rX .";
    case "tls":
    case "not forbidden":
    case "length":
    case "not found":
    case "no encoding":
    case "say gzip":
    case "gz files":
      return undefined;
    default:
      return need satisfies never;
  }
}

/** A server that knows all that is needed, in one line. */
function insteadOfPython(port: string): string {
  return [
    "# Python's server knows no ranges, which this volume needs; Caddy does:",
    `printf '${
      [
        `:${port} {`,
        "root * .",
        `header Access-Control-Allow-Origin "*"`,
        `header Access-Control-Allow-Headers "Range"`,
        `header Access-Control-Expose-Headers "${EXPOSED}"`,
        "@preflight method OPTIONS",
        "respond @preflight 204",
        "file_server",
        "}",
      ].join("\\n")
    }' > Caddyfile; caddy run`,
  ].join("\n");
}
