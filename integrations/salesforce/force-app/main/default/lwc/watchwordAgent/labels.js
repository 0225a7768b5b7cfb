import title from "@salesforce/label/c.Watchword_Title";
import introduction from "@salesforce/label/c.Watchword_Introduction";
import number from "@salesforce/label/c.Watchword_Number";
import numberMissing from "@salesforce/label/c.Watchword_Number_Missing";
import lookUp from "@salesforce/label/c.Watchword_Look_Up";
import lookingUp from "@salesforce/label/c.Watchword_Looking_Up";
import tryAgain from "@salesforce/label/c.Watchword_Try_Again";
import done from "@salesforce/label/c.Watchword_Done";
import sayThis from "@salesforce/label/c.Watchword_Say_This";
import once from "@salesforce/label/c.Watchword_Once";
import secondsLeft from "@salesforce/label/c.Watchword_Seconds_Left";
import over from "@salesforce/label/c.Watchword_Over";
import gone from "@salesforce/label/c.Watchword_Gone";
import invalid from "@salesforce/label/c.Watchword_Invalid";
import limited from "@salesforce/label/c.Watchword_Limited";
import notSetUp from "@salesforce/label/c.Watchword_Not_Set_Up";
import unavailable from "@salesforce/label/c.Watchword_Unavailable";
import offline from "@salesforce/label/c.Watchword_Offline";

export const labels = {
  title,
  introduction,
  number,
  numberMissing,
  lookUp,
  lookingUp,
  tryAgain,
  done,
  sayThis,
  once,
  secondsLeft,
  over,
  gone,
  invalid,
  limited,
  notSetUp,
  unavailable,
  offline,
};

/** A label with its number put in. */
export function counted(label, count) {
  return label.replace("{0}", String(count));
}
