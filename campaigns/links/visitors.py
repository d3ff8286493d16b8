"""Who follows links without being a person: told by the request alone, from tables.

A message that is shown in a list, forwarded or scanned has its links fetched by a machine. Such a fetch is answered
like any other and counted apart, so a wrong guess costs a count and keeps nobody from the page. Nothing of the request
is kept but the word that is returned here.
"""

import re
from collections.abc import Mapping

#: Words for `Reaction.reason`; "too_soon" is found when the visit is counted (`delivery.reactions`).
REASONS: dict[str, str] = {
    "method": "Asked whether the page is there (HEAD)",
    "prefetch": "Loaded ahead by a browser or an app",
    "no_agent": "Says nothing about what it is",
    "preview": "Preview in a messenger or a mail program",
    "scanner": "Scanner of a carrier or a security product",
    "crawler": "Crawler of a search engine, or another robot",
    "program": "A program, no browser",
    "too_soon": "In the moment of sending or delivery",
}

#: What each kind calls itself in User-Agent, in small letters, from what their makers publish and from access logs.
#: The first table that fits names the reason.
AGENTS: dict[str, tuple[str, ...]] = {
    "preview": (
        *("facebookexternalhit", "facebookcatalog", "facebot", "meta-externalfetcher", "whatsapp", "telegrambot"),
        *("twitterbot", "slackbot", "slack-imgproxy", "discordbot", "linkedinbot", "skypeuripreview", "viber"),
        *("snapchat", "redditbot", "pinterestbot", "bitlybot", "embedly", "iframely", "vkshare", "line-poker"),
        *("kakaotalk-scrap", "mattermost", "microsoftpreview", "google-pagerenderer", "google-messages", "imessage"),
        *("googleimageproxy", "yahoomailproxy", "signal-desktop", "threema", "opengraph", "urlpreview", "linkpreview"),
    ),
    "scanner": (
        *("safelinks", "proofpoint", "urldefense", "mimecast", "barracuda", "symantec", "trendmicro", "forcepoint"),
        *("fortiguard", "paloalto", "zscaler", "netcraft", "virustotal", "urlscan", "cloudmark", "safebrowsing"),
        *("checkpoint", "sophos", "kaspersky", "bitdefender", "webroot", "avast", "phishtank", "adaptivemobile"),
    ),
    "crawler": (
        *("googlebot", "google-inspectiontool", "adsbot", "mediapartners", "bingbot", "bingpreview", "yandex"),
        *("duckduckbot", "baiduspider", "applebot", "petalbot", "ahrefsbot", "semrushbot", "mj12bot", "dotbot"),
        *("bytespider", "gptbot", "claudebot", "ccbot", "perplexitybot", "amazonbot", "archive.org_bot"),
        *("crawler", "spider", "robot", "bot/", "bot;", "bot)", "+http"),
    ),
    "program": (
        *("curl/", "wget", "python-requests", "python-urllib", "aiohttp", "httpx", "okhttp", "go-http-client"),
        *("java/", "apache-httpclient", "libwww-perl", "node-fetch", "axios", "undici", "guzzle", "ruby", "scrapy"),
        *("headlesschrome", "phantomjs", "puppeteer", "playwright", "selenium", "postman", "insomnia", "dart:io"),
    ),
}
_AGENTS = tuple((reason, re.compile("|".join(map(re.escape, words)))) for reason, words in AGENTS.items())

#: Headers with which browsers say that nobody looks yet (Sec-Purpose is the Fetch Standard's; the others came before).
_AHEAD = re.compile(r"prefetch|prerender|preview")
AHEAD_HEADERS = ("sec-purpose", "purpose", "x-purpose", "x-moz")


def machine(method: str, headers: Mapping[str, str]) -> str:
    """What gives the visitor away, a key of REASONS; empty: nothing does. Header names are in small letters."""
    if method == "HEAD":
        return "method"
    if any(_AHEAD.search(headers.get(name, "").lower()) for name in AHEAD_HEADERS):
        return "prefetch"
    agent = headers.get("user-agent", "").strip().lower()
    if not agent:
        return "no_agent"
    return next((reason for reason, words in _AGENTS if words.search(agent)), "")
