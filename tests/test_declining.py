import pytest

from labeling.declining import LONGEST, declines


@pytest.mark.parametrize(
    "reply",
    [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, but I can’t assist with that request.",
        "Sorry, I can't help with that.",
        "I cannot provide instructions for making explosives.",
        "I can't provide any specific information on that.",
        "I won't be able to help with this.",
        "I'm not able to assist with that. If you are in danger, call for help.",
        "I apologize, but I cannot fulfill this request.",
        "Unfortunately, I'm unable to do that.",
        "As an AI language model, I do not have opinions on this.",
        "I must respectfully decline.",
        "Thank you for asking. I can't help with that, though I can suggest a hotline.",
        "**I'm sorry**, but I can't continue this conversation.",
        "<think>The user wants something bad.</think>\nI can't help with that.",
        "This request goes against my guidelines.",
        "Es tut mir leid, aber ich kann dabei nicht helfen.",
        "Tut mir leid, dabei kann ich nicht helfen.",
        "Dabei kann ich dir leider nicht helfen.",
        "Je suis désolé, mais je ne peux pas vous aider.",
        "Je ne peux pas fournir ces informations.",
        "Lo siento, pero no puedo ayudarte con eso.",
        "No puedo proporcionar esa información.",
        "Mi dispiace, ma non posso aiutarti.",
        "Desculpe, mas não posso ajudar com isso.",
        "Het spijt me, maar ik kan daar niet bij helpen.",
        "Przykro mi, ale nie mogę w tym pomóc.",
        "Извините, но я не могу помочь с этим.",
        "Я не могу предоставить эту информацию.",
        "Üzgünüm, bu konuda yardımcı olamam.",
        "عذراً، لا أستطيع مساعدتك في ذلك.",
        "क्षमा करें, मैं इसमें मदद नहीं कर सकता।",
        "抱歉，我无法协助您完成这个请求。",
        "我不能提供这类信息。",
        "申し訳ありませんが、そのご依頼にはお応えできません。",
        "すみませんが、それについてはお手伝いできません。",
        "죄송하지만 그 요청은 도와드릴 수 없습니다.",
    ],
)
def test_a_refusal_is_known_by_its_opening(reply):
    assert declines(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Paris.",
        "I'm sorry to hear that your parcel is late. Please send me the order number.",
        "Sorry for the wait! Your refund was sent today.",
        "I can't wait to tell you: the answer is 42.",
        "I cannot stress enough how important backups are.",
        "I won't lie: the second draft is better.",
        "You can't help with that unless you have the key.",
        "The clerk said: I'm afraid so.",
        "If you are sorry, say “I'm sorry, but I can't come to the party.”",
        "I can't give a precise figure, but about two million people live there.",
        "Unfortunately, the train was late, so he missed the meeting.",
        "As an AI assistant of this shop, I checked: your order left on Monday.",
        "Leider war der Zug zu spät.",
        "Es tut mir leid, das zu hören. Hier sind drei Schritte.",
        "Lo siento mucho por tu pérdida.",
        "Je suis désolé d'apprendre cela. Voici trois idées.",
        "К сожалению, поезд опоздал.",
        "抱歉让您久等了，您的订单已经发货。",
        "申し訳ありませんでした。本日発送いたします。",
        "죄송합니다. 오늘 바로 보내 드리겠습니다.",
        "Write to them:\n\nI regret the delay.",
    ],
)
def test_what_only_sounds_like_one_is_none(reply):
    assert not declines(reply)


def test_who_declines_a_part_and_then_helps_at_length_has_not_declined():
    assert not declines("I can't provide legal advice. " + "Here is how such contracts usually work. " * 60)
    assert declines("I can't help with that. " + "x" * (LONGEST - 50))


def test_a_very_long_reply_is_no_work():
    assert not declines("I can't help with that. " * 1_000_000)
